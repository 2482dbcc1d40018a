"""Layers that combine tensors: sums, products, joins."""

from __future__ import annotations

from collections.abc import Mapping

from ..call import Call, Rule
from ..layout import Value


def combined(call: Call, op: str, values: list[Value]) -> Value:
    """Return values combined by a binary op from left to right, broadcast as Keras does."""
    made = values[0]
    for value in values[1:]:
        names, order, rows = call.walk.aligned([made, value], call.path)
        made = Value(call.emit(op, *names), order, rows)
    return made


def _merge(op: str) -> Rule:
    def rule(call: Call) -> Value:
        return combined(call, op, call.values)

    return rule


def average(call: Call) -> Value:
    """Lower Average: the sum over the count."""
    total = combined(call, "add", call.values)
    return call.same("div", total, other=len(call.values))


def scaled_sum(call: Call) -> Value:
    """Lower CustomScaleLayer of keras.applications: the first tensor and a multiple of the second."""
    first, second = call.values
    return combined(call, "add", [first, call.same("mul", second, other=float(call.layer.scale))])


def joined(call: Call, values: list[Value], axis: int) -> Value:
    """Return values joined along an axis of Keras."""
    values = [call.walk.unrolled(value, call.path) for value in values]
    names, order, _ = call.walk.aligned(values, call.path)
    return Value(call.emit("cat", *names, dim=order.index(axis % len(order))), order)


def concatenate(call: Call) -> Value:
    """Lower Concatenate."""
    return joined(call, call.values, call.layer.axis)


MERGING: Mapping[str, Rule] = {
    "Add": _merge("add"),
    "Subtract": _merge("sub"),
    "Multiply": _merge("mul"),
    "Maximum": _merge("maximum"),
    "Minimum": _merge("minimum"),
    "Average": average,
    "CustomScaleLayer": scaled_sum,
    "Concatenate": concatenate,
}
