"""Operations of ``keras.ops`` that a functional graph may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....ir import DType
from ..call import Call, Rule
from ..layout import Value, channels_first, identity
from .merging import joined
from .shaping import moved, reshaped, same


def _unary(op: str) -> Rule:
    def rule(call: Call) -> Value:
        return call.same(op)

    return rule


def _binary(op: str, *, swapped: str = "", tensors: bool = False) -> Rule:
    """Return the rule of an op of two operands; ``swapped`` is the op for a number on the left."""

    def rule(call: Call) -> Value:
        left, right = call.get(0, "x1"), call.get(1, "x2")
        if isinstance(left, Value) and (number := _number(right)) is not None and not tensors:
            return call.same(op, left, other=number)
        if isinstance(right, Value) and (number := _number(left)) is not None and swapped:
            return call.same(swapped, right, other=number)
        pair = [_value(call, left, "left"), _value(call, right, "right")]
        names, order, rows = call.walk.aligned(pair, call.path)
        return Value(call.emit(op, *names), order, rows)

    return rule


def _number(given: Any) -> int | float | None:
    if isinstance(given, bool | Value) or given is None:
        return None
    if isinstance(given, int | float):
        return given
    array = np.asarray(given.detach() if hasattr(given, "detach") else given)
    return array.item() if array.ndim == 0 and array.dtype.kind in "if" else None


def _value(call: Call, given: Any, name: str) -> Value:
    if isinstance(given, Value):
        return given
    if getattr(given, "trainable", False) and hasattr(given, "value"):
        tensor = given.value.detach()
        return Value(call.walk.tensor("parameter", f"{call.path}.{name}", tensor), identity(tensor.ndim))
    return call.literal(given.value.detach() if hasattr(given, "value") else given, name)


def _divided(call: Call) -> Value:
    number = _number(call.get(0, "x1"))
    if number is None:
        made = _binary("div")(call)
        assert isinstance(made, Value)
        return made
    right = call.get(1, "x2")
    inverse = call.same("reciprocal", right)
    return inverse if number == 1 else call.same("mul", inverse, other=number)


def _reduction(op: str) -> Rule:
    def rule(call: Call) -> Value:
        axis, keep = call.layer.axis, bool(call.layer.keepdims)
        x = call.walk.unrolled(call.x, call.path)
        rank = len(x.order)
        axes = list(range(rank)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
        gone = {a % rank for a in axes}
        places = tuple(sorted(x.order.index(a) for a in gone))
        given: dict[str, Any] = {"correction": 0.0} if op in ("var", "std") else {}
        made = call.emit(op, x, dim=places, keepdim=keep, **given)
        if keep:
            return Value(made, x.order)
        left = [a for a in x.order if a not in gone]
        return Value(made, tuple(sorted(left).index(a) for a in left))

    return rule


def _reshape(call: Call) -> Value:
    target = tuple(call.layer.newshape)
    return reshaped(call, (call.shape()[0] if target[0] in (-1, None) else target[0], *target[1:]))


def _transpose(call: Call) -> Value:
    axes = call.layer.axes
    rank = len(call.x.order)
    return moved(call, tuple(axis % rank for axis in axes) if axes else tuple(reversed(range(rank))))


def _swapaxes(call: Call) -> Value:
    dims = list(range(len(call.x.order)))
    a, b = call.layer.axis1, call.layer.axis2
    dims[a], dims[b] = dims[b], dims[a]
    return moved(call, tuple(dims))


def _expand_dims(call: Call) -> Value:
    axis = call.layer.axis
    x = call.walk.unrolled(call.x, call.path)
    if not isinstance(axis, int):
        call.fail("expand_dims of several axes has no op")
    axis %= len(x.order) + 1
    shape = call.shape(x)
    wide = (*shape[:axis], 1, *shape[axis:])
    order = (*(a + (a >= axis) for a in x.order), axis)
    if len(order) > 3 and [a for a in channels_first(len(order)) if a != axis] == list(order[:-1]):
        order = channels_first(len(order))
    elif x.order == identity(len(x.order)):
        order = identity(len(order))
    return Value(call.emit("reshape", x, shape=tuple(wide[a] for a in order)), order)


def _squeeze(call: Call) -> Value:
    x = call.walk.unrolled(call.x, call.path)
    shape, axis = call.shape(x), call.layer.axis
    given = [axis] if isinstance(axis, int) else axis
    gone = {a % len(shape) for a in given} if given is not None else {a for a, size in enumerate(shape) if size == 1}
    left = [a for a in x.order if a not in gone]
    made = call.emit("squeeze", x, dim=tuple(sorted(x.order.index(a) for a in gone)))
    return Value(made, tuple(sorted(left).index(a) for a in left))


def _concatenate(call: Call) -> Value:
    return joined(call, [_value(call, item, f"part{i}") for i, item in enumerate(call.args[0])], call.layer.axis)


def _stack(call: Call) -> Value:
    values = [call.plain(value) for value in call.values]
    return Value(call.emit("stack", *values, dim=call.layer.axis), identity(len(values[0].order) + 1))


def _split(call: Call) -> tuple[Value, ...]:
    x = call.walk.unrolled(call.x, call.path)
    place = call.axis(call.layer.axis, x)
    size, given = call.walk.type(x).shape[place], call.layer.indices_or_sections
    if not isinstance(size, int):
        call.fail("it splits an axis of unknown size")
    edges = [i * (size // given) for i in range(1, given)] if isinstance(given, int) else list(given)
    sizes = [end - start for start, end in zip([0, *edges], [*edges, size], strict=True)]
    parts = call.walk.emit_parts("split", x.name, path=call.path, sizes=tuple(sizes), dim=place)
    return tuple(Value(part, x.order) for part in parts)


def _matmul(call: Call) -> Value:
    pair = [call.plain(_value(call, call.args[i], side)) for i, side in enumerate(("left", "right"))]
    made = call.emit("matmul", *pair)
    return Value(made, identity(call.walk.builder.types[made].rank))


def _einsum(call: Call) -> Value:
    values = [call.plain(value) for value in call.values]
    made = call.emit("einsum", *values, equation=call.layer.subscripts)
    return Value(made, identity(call.walk.builder.types[made].rank))


def _get_item(call: Call) -> Value:
    """Lower ``x[...]`` of integers, slices, None and an ellipsis."""
    key = call.args[1] if len(call.args) > 1 else call.kwargs["key"]
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(not isinstance(k, int | slice | type(None) | type(...)) for k in keys):
        call.fail("indexing by a tensor has no op")
    x = call.plain()
    named = sum(k is not None and k is not ... for k in keys)
    at = keys.index(...) if ... in keys else len(keys)
    keys = [*keys[:at], *[slice(None)] * (len(x.order) - named), *keys[at + 1 :]]
    name, axis = x.name, 0
    for k in keys:
        name, axis = _taken(call, name, axis, k)
    return Value(name, identity(call.walk.builder.types[name].rank))


def _taken(call: Call, name: str, axis: int, key: int | slice | None) -> tuple[str, int]:
    """Return a value indexed at one axis, and the next axis."""
    if key is None:
        return call.emit("unsqueeze", name, dim=axis), axis + 1
    if isinstance(key, int):
        return call.emit("select", name, dim=axis, index=key), axis
    step = key.step or 1
    if step < 1:
        call.fail("indexing with a negative step has no op")
    if key.start in (None, 0) and key.stop is None and step == 1:
        return name, axis + 1
    return call.emit("slice", name, dim=axis, start=key.start or 0, end=key.stop, step=step), axis + 1


def _clip(call: Call) -> Value:
    return call.same("clamp", min=float(call.layer.x_min), max=float(call.layer.x_max))


def _square(call: Call) -> Value:
    return call.same("pow", other=2)


def _cast(call: Call) -> Value:
    names = {"float32": DType.F32, "int32": DType.I32, "int64": DType.I64, "bool": DType.BOOL, "float16": DType.F16}
    if call.layer.dtype not in names:
        call.fail(f"a cast to {call.layer.dtype} has no op")
    return call.same("cast", dtype=names[call.layer.dtype])


OPERATIONS: Mapping[str, Rule] = {
    "Add": _binary("add", swapped="add"),
    "Subtract": _binary("sub", swapped="rsub"),
    "Multiply": _binary("mul", swapped="mul"),
    "Divide": _divided,
    "TrueDivide": _divided,
    "Power": _binary("pow"),
    "Maximum": _binary("maximum", tensors=True),
    "Minimum": _binary("minimum", tensors=True),
    "Matmul": _matmul,
    "Einsum": _einsum,
    "Mean": _reduction("mean"),
    "Sum": _reduction("sum"),
    "Max": _reduction("amax"),
    "Min": _reduction("amin"),
    "Amax": _reduction("amax"),
    "Amin": _reduction("amin"),
    "Var": _reduction("var"),
    "Std": _reduction("std"),
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Swapaxes": _swapaxes,
    "ExpandDims": _expand_dims,
    "Squeeze": _squeeze,
    "Concatenate": _concatenate,
    "Stack": _stack,
    "Split": _split,
    "GetItem": _get_item,
    "Clip": _clip,
    "Square": _square,
    "Cast": _cast,
    "StopGradient": same,
    "Copy": same,
    "Abs": _unary("abs"),
    "Absolute": _unary("abs"),
    "Negative": _unary("neg"),
    "Exp": _unary("exp"),
    "Log": _unary("log"),
    "Log1p": _unary("log1p"),
    "Sqrt": _unary("sqrt"),
    "Rsqrt": _unary("rsqrt"),
    "Sin": _unary("sin"),
    "Cos": _unary("cos"),
    "Tanh": _unary("tanh"),
    "Erf": _unary("erf"),
    "Floor": _unary("floor"),
    "Reciprocal": _unary("reciprocal"),
}
