"""What becomes of an op whose operand is permuted: the same op on the operand as it lies, the permutation behind it.

A value ``v`` is carried as ``permute(s, order)``: axis ``i`` of ``v`` is axis ``order[i]`` of ``s``. A rule returns
the op to apply to ``s`` and the order of each result; None where the op needs its axes where it names them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from ...ir import Node, Op, TensorType
from ...ir.ops.activation import Activation, AxisActivation, FeatureDropout, Prelu
from ...ir.ops.elementwise import Abs, Binary, Cast, Clamp, LogicalNot, MaskedFill, Neg, Pairwise, Unary, Where
from ...ir.ops.mathematics import Floor
from ...ir.ops.reduction import Argmax, Reduction
from ...ir.ops.selection import Select, Unbind
from ...ir.ops.shape import Expand, Pad, Repeat, Squeeze, Unsqueeze

Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """The op to apply to the operands as they lie, and the order of its results."""

    op: Op
    order: Order


Rule = Callable[[Node, TensorType, Order], Carried | None]


def inverse(order: Order) -> Order:
    """Return the order that undoes one."""
    back = [0] * len(order)
    for i, axis in enumerate(order):
        back[axis] = i
    return tuple(back)


def compose(outer: Sequence[int], inner: Order) -> Order:
    """Return the order of ``permute(permute(s, inner), outer)``."""
    return tuple(inner[axis] for axis in outer)


def without(order: Order, axes: set[int]) -> Order:
    """Return the order of what is left when axes of the carried value go."""
    kept = [order[i] for i in range(len(order)) if i not in axes]
    return tuple(sorted(kept).index(axis) for axis in kept)


def moves_nothing(shape: Sequence[object], order: Order) -> bool:
    """Return whether permuting a tensor of this shape leaves its elements in place: only axes of size 1 move."""
    kept = [axis for axis in order if shape[axis] != 1]
    return kept == sorted(kept)


def elementwise(op: Op) -> bool:
    """Return whether an op treats each element of its broadcast operands alike, wherever it stands."""
    if isinstance(op, AxisActivation | FeatureDropout):
        return False
    if isinstance(op, Prelu):
        return op.num_parameters == 1
    return isinstance(
        op, Activation | Unary | Binary | Pairwise | Abs | Cast | Clamp | Floor | LogicalNot | MaskedFill | Neg | Where
    )


def carried(node: Node, x: TensorType, order: Order) -> Carried | None:
    """Return an op that takes one operand, or operands of one layout, on the operand as it lies.

    ``x`` is the type of the first operand as the op sees it.
    """
    if elementwise(node.op):
        return Carried(node.op, order)
    for kind, rule in _RULES:
        if isinstance(node.op, kind):
            return rule(node, x, order)
    return _along_axis(node, x, order) if node.op.name in _ALONG else None


def _along_axis(node: Node, x: TensorType, order: Order) -> Carried:
    return Carried(node.op.replace(**_renamed(node.op, x, order)), order)


def _renamed(op: Op, x: TensorType, order: Order) -> dict[str, object]:
    changed: dict[str, object] = {}
    for name in ("dim", "dims"):
        given: object = op.attributes().get(name)
        if isinstance(given, int):
            changed[name] = order[given % x.rank]
        elif isinstance(given, tuple):
            axes = cast("tuple[object, ...]", given)
            changed[name] = tuple(order[axis % x.rank] for axis in axes if isinstance(axis, int))
    return changed


def _reduction(node: Node, x: TensorType, order: Order) -> Carried:
    assert isinstance(node.op, Reduction)
    axes = {axis % x.rank for axis in node.op.dim or range(x.rank)}
    op = node.op.replace(dim=tuple(sorted(order[axis] for axis in axes))) if node.op.dim else node.op
    return Carried(op, order if node.op.keepdim else without(order, axes))


def _argmax(node: Node, x: TensorType, order: Order) -> Carried:
    assert isinstance(node.op, Argmax)
    axis = node.op.dim % x.rank
    return Carried(node.op.replace(dim=order[axis]), order if node.op.keepdim else without(order, {axis}))


def _dropping(node: Node, x: TensorType, order: Order) -> Carried:
    assert isinstance(node.op, Select | Unbind)
    axis = node.op.dim % x.rank
    return Carried(node.op.replace(dim=order[axis]), without(order, {axis}))


def _squeeze(node: Node, x: TensorType, order: Order) -> Carried:
    assert isinstance(node.op, Squeeze)
    named = range(x.rank) if node.op.dim is None else node.op.dim
    gone = {axis % x.rank for axis in named if x.shape[axis % x.rank] == 1}
    return Carried(Squeeze(dim=tuple(sorted(order[axis] for axis in gone))), without(order, gone))


def _unsqueeze(node: Node, x: TensorType, order: Order) -> Carried:
    assert isinstance(node.op, Unsqueeze)
    axis = node.op.dim % (x.rank + 1)
    return Carried(Unsqueeze(dim=x.rank), (*order[:axis], x.rank, *order[axis:]))


def _expand(node: Node, x: TensorType, order: Order) -> Carried | None:
    assert isinstance(node.op, Expand)
    if len(node.op.shape) != x.rank:
        return None
    back = inverse(order)
    return Carried(Expand(shape=tuple(node.op.shape[axis] for axis in back)), order)


def _repeat(node: Node, x: TensorType, order: Order) -> Carried | None:
    assert isinstance(node.op, Repeat)
    if len(node.op.repeats) != x.rank:
        return None
    back = inverse(order)
    return Carried(Repeat(repeats=tuple(node.op.repeats[axis] for axis in back)), order)


def _pad(node: Node, x: TensorType, order: Order) -> Carried | None:
    assert isinstance(node.op, Pad)
    given = node.op.pad
    sides = [(given[2 * i], given[2 * i + 1]) for i in range(len(given) // 2)]
    sides += [(0, 0)] * (x.rank - len(sides))
    moved = [sides[x.rank - 1 - axis] for axis in inverse(order)][::-1]
    if node.op.mode != "constant":
        while len(moved) > x.rank - 2 and moved[-1] == (0, 0):
            moved.pop()
        if len(moved) > x.rank - 2:
            return None
    while moved and moved[-1] == (0, 0):
        moved.pop()
    return Carried(node.op.replace(pad=tuple(side for pair in moved for side in pair)), order)


# Ops that name the axes they work along in `dim` or `dims` and keep the rank; all operands have one layout.
_ALONG = frozenset("softmax log_softmax glu normalize cat split slice cumsum flip roll sort topk logsumexp".split())
_RULES: tuple[tuple[type | tuple[type, ...], Rule], ...] = (
    (Reduction, _reduction),
    (Argmax, _argmax),
    ((Select, Unbind), _dropping),
    (Squeeze, _squeeze),
    (Unsqueeze, _unsqueeze),
    (Expand, _expand),
    (Repeat, _repeat),
    (Pad, _pad),
)
