"""Rules for ops that move or regroup elements.

One spelling each: what keeps the order of elements (view, unflatten, squeeze, unsqueeze, flatten of any
axes) is ``flatten`` where it joins the last axes and nothing else, and ``reshape`` to known sizes everywhere
else; what reorders axes is ``permute``.
"""

from __future__ import annotations

from dataclasses import replace

from ...ir import Dim, Node, TensorType, numel
from ...ir.ops.reduction import Reduction
from ...ir.ops.selection import Cat, Select, Slice, Split
from ...ir.ops.shape import Expand, Flatten, Pad, Permute, Repeat, Reshape, Roll, Transpose
from .sweep import Become, Rewrite, Rule, Same, View

REGROUPING = ("reshape", "flatten", "unflatten", "squeeze", "unsqueeze")


def regrouping(x: TensorType, result: TensorType) -> Flatten | Reshape:
    """Return the canonical op that turns ``x`` into ``result`` without moving elements."""
    start = result.rank - 1
    joins = 0 <= start < x.rank - 1 and x.shape[:start] == result.shape[:start]
    if joins and numel(x.shape[start:]) == result.shape[start]:
        return Flatten(start_dim=start, end_dim=-1)
    return Reshape(shape=result.shape)


def regroup(node: Node, view: View) -> Rewrite:
    """Join chains of regrouping, drop those that change nothing, and spell the rest one way."""
    source = node.operands[0]
    made = view.producers.get(source)
    if made is not None and made.op.name in REGROUPING:
        source = made.operands[0]
    x = view.type(source)
    if x == node.type:
        return Same(source)
    joined = _with_maker(node, source, view)
    if joined is not None:
        return joined
    op = regrouping(x, node.type)
    if op == node.op and source == node.operands[0]:
        return None
    return view.become(node, op, source)


def _with_maker(node: Node, source: str, view: View) -> Rewrite:
    """Join a regrouping with what made its operand: a reduction with its axes, a slice of one with the select."""
    made = view.producers.get(source)
    if made is None or not view.alone(source):
        return None
    if isinstance(made.op, Reduction) and made.op.dim is not None:
        return view.become(node, made.op.replace(keepdim=not made.op.keepdim), *made.operands)
    if isinstance(made.op, Slice) and isinstance(made.op.start, int):
        x, axis = made.type, made.op.dim
        if x.shape[axis] == 1 and node.type.shape == (*x.shape[:axis], *x.shape[axis + 1 :]):
            return view.become(node, Select(dim=axis, index=made.op.start), *made.operands)
    return None


def select_only(node: Node, view: View) -> Rewrite:
    """The only element of an axis is the tensor without that axis."""
    assert isinstance(node.op, Select)
    x = view.type(node.operands[0])
    return view.become(node, Reshape(shape=node.type.shape)) if x.shape[node.op.dim % x.rank] == 1 else None


def source_again(node: Node, view: View) -> Rewrite:
    """A parameter or constant that was read before is the same value."""
    known = view.sources.setdefault(node.op, node.name)
    return None if known == node.name else Same(known)


def transpose(node: Node, view: View) -> Rewrite:
    """Spell an exchange of two axes as a permutation."""
    assert isinstance(node.op, Transpose)
    rank = node.type.rank
    dims = list(range(rank))
    a, b = node.op.dim0 % rank, node.op.dim1 % rank
    dims[a], dims[b] = b, a
    return view.become(node, Permute(dims=tuple(dims)))


def permute(node: Node, view: View) -> Rewrite:
    """Join permutations, count axes from the front, and drop the one that changes nothing."""
    assert isinstance(node.op, Permute)
    rank = node.type.rank
    dims = tuple(axis % rank for axis in node.op.dims)
    source = node.operands[0]
    inner = view.operand(node, "permute")
    if inner is not None and isinstance(inner.op, Permute):
        source = inner.operands[0]
        dims = tuple(inner.op.dims[axis] % rank for axis in dims)
    if dims == tuple(range(rank)):
        return Same(source)
    if dims == node.op.dims and source == node.operands[0]:
        return None
    return view.become(node, Permute(dims=dims), source)


def unchanged_type(node: Node, view: View) -> Rewrite:
    """Drop an op that does nothing when it keeps the type: expand, cast."""
    return Same(node.operands[0]) if node.types[0] == view.type(node.operands[0]) else None


def expand(node: Node, view: View) -> Rewrite:
    """Say the sizes of an expand in full."""
    op = Expand(shape=node.type.shape)
    return None if op == node.op else view.become(node, op)


def whole_slice(node: Node, view: View) -> Rewrite:
    """Drop a slice of everything; leave out an end that is the axis's."""
    assert isinstance(node.op, Slice)
    x = view.type(node.operands[0])
    op = node.op
    size = x.shape[op.dim % x.rank]
    if op.step == 1 and (op.start == 0 or op.start == -1 * size) and node.type == x:
        return Same(node.operands[0])
    start: Dim = op.start
    end = op.end
    if isinstance(size, int):
        if isinstance(start, int) and start < 0:
            start = max(start + size, 0)
        if isinstance(end, int) and end < 0:
            end = max(end + size, 0)
        end = None if isinstance(end, int) and end >= size else end
    new = op.replace(start=start, end=None if end == size else end)
    return None if new == op else view.become(node, new)


def single_operand(node: Node, view: View) -> Rewrite:
    """Drop a join of one tensor."""
    return Same(node.operands[0]) if isinstance(node.op, Cat) and len(node.operands) == 1 else None


def single_part(node: Node, view: View) -> Rewrite:
    """Drop a split into one part."""
    return Same(node.operands[0]) if isinstance(node.op, Split) and len(node.results) == 1 else None


def no_padding(node: Node, view: View) -> Rewrite:
    """Drop padding by nothing."""
    assert isinstance(node.op, Pad)
    return Same(node.operands[0]) if all(size == 0 for size in node.op.pad) else None


def no_roll(node: Node, view: View) -> Rewrite:
    """Drop a roll by nothing."""
    assert isinstance(node.op, Roll)
    return Same(node.operands[0]) if all(shift == 0 for shift in node.op.shifts) else None


def repeat_once(node: Node, view: View) -> Rewrite:
    """Spell a repeat that only adds axes of size 1 as a reshape."""
    assert isinstance(node.op, Repeat)
    if any(count != 1 for count in node.op.repeats):
        return None
    return view.become(node, Reshape(shape=node.type.shape))


LAST_AXIS = ("softmax", "log_softmax", "glu")
FRONT_AXIS = ("cat", "split", "select", "slice", "unbind", "index", "argmax", "cumsum", "normalize")
FRONT_AXES = ("mean", "sum", "amax", "amin", "var", "std", "vector_norm")


def axis(node: Node, view: View) -> Rewrite:
    """Count an axis from the front; the last one of an activation is -1, its default."""
    given: object = node.op.attributes()["dim"]
    rank = view.type(node.operands[0]).rank
    if not isinstance(given, int) or not rank:
        return None
    front = given % rank
    wanted = -1 if node.op.name in LAST_AXIS and front == rank - 1 else front
    return None if wanted == given else _replaced(node, dim=wanted)


def axes(node: Node, view: View) -> Rewrite:
    """Count the axes of a reduction from the front, in order."""
    assert isinstance(node.op, Reduction)
    rank = view.type(node.operands[0]).rank
    if node.op.dim is None or not rank:
        return None
    wanted = tuple(sorted(axis % rank for axis in node.op.dim))
    return None if wanted == node.op.dim else _replaced(node, dim=wanted)


def _replaced(node: Node, **changes: object) -> Become:
    return Become((replace(node, op=node.op.replace(**changes)),))


RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(REGROUPING, (regroup,)),
    "transpose": (transpose,),
    "permute": (permute,),
    "expand": (unchanged_type, expand),
    "pad": (no_padding,),
    "roll": (no_roll,),
    "repeat": (repeat_once,),
    **dict.fromkeys((*LAST_AXIS, *FRONT_AXIS), (axis,)),
    **dict.fromkeys(FRONT_AXES, (axes,)),
    "slice": (axis, whole_slice),
    "select": (axis, select_only),
    "parameter": (source_again,),
    "constant": (source_again,),
    "cat": (axis, single_operand),
    "split": (axis, single_part),
}
