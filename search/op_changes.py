"""From an op as an edit writes it to an op of the table, keeping what the edit does not speak of."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir import (
    OPS,
    Attribute,
    CallBlock,
    Expr,
    NascError,
    Node,
    Op,
    arity,
    attributes_of,
    build,
    counted,
    did_you_mean,
)
from .edits import OpSpec

_NAMES = ("word", "text", "dtype")
UNWRITTEN = frozenset({"call", "parameter", "constant"})
"""Ops that no edit and no block written anew can hold: they come with the model."""


def change_op(op: Op, values: Mapping[str, object]) -> Op:
    """Return an op with some attributes changed, or a call with other arguments.

    Where a kernel changes and the padding is not given, the padding follows so that the size of the result
    stays: ``2*padding - dilation*(kernel_size-1)`` is kept where whole numbers can. Raises NascError.
    """
    if isinstance(op, CallBlock):
        return _change_call(op, values)
    return op.replace(**_with_padding(op, resolve(type(op), values)))


def build_op(spec: OpSpec, old: Op | None) -> Op:
    """Return the op that an edit writes; attributes left out are those of the op that it replaces."""
    cls = OPS.get(spec.name)
    if cls is None or spec.name in UNWRITTEN:
        raise NascError.of(
            f"there is no op {spec.name!r} to write",
            did_you_mean(spec.name, OPS.keys() - UNWRITTEN),
            "unknown-op",
        )
    values = resolve(cls, dict(spec.values))
    if old is None:
        return build(cls, values)
    if type(old) is cls:
        return old.replace(**_with_padding(old, values))
    shared = attributes_of(type(old)).keys() & attributes_of(cls).keys()
    kept = {name: value for name, value in old.attributes().items() if name in shared - {"bias", "eps"}}
    if {"kernel_size", "padding"} <= kept.keys():
        kept = {**kept, **_with_padding(old, {k: v for k, v in values.items() if k in shared})}
    return build(cls, {**kept, **values})


def resolve(cls: type[Op], values: Mapping[str, object]) -> dict[str, object]:
    """Return values as the attributes want them: a bare word where a word is wanted, not a symbol or nothing."""
    kinds = attributes_of(cls)
    return {name: _word(value, kinds[name]) if name in kinds else value for name, value in values.items()}


def _word(value: object, kind: Attribute) -> object:
    if value is None and "none" in kind.choices:
        return "none"
    return str(value) if isinstance(value, Expr) and kind.kind in _NAMES else value


def data_operands(node: Node) -> tuple[str, ...]:
    """Return the operands of a node that are data, not its own weights given as values."""
    most = arity(type(node.op))[1]
    return node.operands if most is None else node.operands[:most]


def fit_operands(op: Op, node: Node) -> tuple[str, ...]:
    """Return the operands with which an op takes a node's place. Raises NascError where it cannot."""
    operands = data_operands(node)
    least, most = arity(type(op))
    if getattr(op, "other", None) is not None:
        most = 1
    elif "other" in attributes_of(type(op)):
        least = 2
    if len(operands) < least or (most is not None and len(operands) > most):
        wanted = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        raise NascError.of(
            f"{op.name} takes {wanted} operands, but %{node.name} ({node.op.name}) has {len(operands)}",
            f"expected an op with {counted(len(operands), 'operand')}",
            "edit-operands",
        )
    return operands


def need_one_operand(op: Op) -> None:
    """Raise NascError unless an op can stand behind one value."""
    least, most = arity(type(op))
    alone = least <= 1 and most != 0 and ("other" not in attributes_of(type(op)) or getattr(op, "other", 0) is not None)
    if not alone:
        raise NascError.of(
            f"{op.name} does not take one operand",
            "insert an op of one operand; `skip %a -> %b` adds two values",
            "edit-operands",
        )


def _change_call(op: CallBlock, values: Mapping[str, object]) -> CallBlock:
    arguments = dict(op.arguments)
    for name, value in values.items():
        if name not in arguments:
            hint = did_you_mean(name, arguments) or "it takes none"
            raise NascError.of(f"@{op.callee} takes no argument {name!r}", hint, "unknown-attribute")
        if isinstance(value, bool) or not isinstance(value, (int, Expr)):
            raise NascError.of(f"{name} cannot be {value!r}", "expected an integer expression", "attribute-value")
        arguments[name] = value
    return CallBlock(callee=op.callee, arguments=tuple(arguments.items()))


def _with_padding(old: Op, values: Mapping[str, object]) -> dict[str, object]:
    """Return changes of a sliding window, with the padding (and the stride of a pool) that keeps the size."""
    changes = dict(values)
    before = old.attributes()
    if not {"kernel_size", "padding"} <= before.keys() or not {"kernel_size", "dilation"} & values.keys():
        return changes
    if before.get("stride", 1) is None and "stride" not in changes:
        changes["stride"] = before["kernel_size"]
    if "padding" not in changes and (padding := _padding(before, values)) is not None:
        changes["padding"] = padding
    return changes


def _padding(before: Mapping[str, object], values: Mapping[str, object]) -> tuple[int, ...] | None:
    rank = len(_numbers(before["kernel_size"], 1))
    kernel, padding = _numbers(before["kernel_size"], rank), _numbers(before["padding"], rank)
    dilation = _numbers(before.get("dilation", 1), rank)
    wider = _numbers(values.get("kernel_size", before["kernel_size"]), rank)
    apart = _numbers(values.get("dilation", before.get("dilation", 1)), rank)
    if not all(len(part) == rank for part in (kernel, padding, dilation, wider, apart)):
        return None
    twice = [
        2 * p + b * (w - 1) - d * (k - 1) for p, b, w, d, k in zip(padding, apart, wider, dilation, kernel, strict=True)
    ]
    return tuple(t // 2 for t in twice) if all(t >= 0 and t % 2 == 0 for t in twice) else None


def _numbers(value: object, rank: int) -> tuple[int, ...]:
    """Return plain numbers, one repeated ``rank`` times; none where one is symbolic."""
    items: tuple[object, ...] = tuple(value) if isinstance(value, tuple) else (value,)
    numbers = tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))
    if len(numbers) != len(items):
        return ()
    return numbers * rank if len(numbers) == 1 else numbers
