"""Repairs of ops that name sizes, axes or positions that are no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from ...ir import Dim, NascError, Node, Op, TensorType, arity, product, symbol, symbols_of
from ...ir.ops.linear import Embedding
from ...ir.ops.selection import Index, Select, Split, Unbind
from ...ir.ops.shape import Expand, Permute, Reshape, Unflatten
from .projection import adapt, resample, to_rank
from .workspace import Workspace, repaired

NEED_RANK = {
    "conv1d": 3, "conv_transpose1d": 3, "max_pool1d": 3, "avg_pool1d": 3, "adaptive_avg_pool1d": 3,
    "conv2d": 4, "conv_transpose2d": 4, "max_pool2d": 4, "avg_pool2d": 4, "adaptive_avg_pool2d": 4,
    "adaptive_max_pool2d": 4, "unfold": 4, "pixel_shuffle": 4, "pixel_unshuffle": 4, "conv3d": 5,
}  # fmt: skip
MIXES_AXES = frozenset(
    {"flatten", "mean", "sum", "amax", "amin", "var", "std", "vector_norm", "argmax", "select", "glu", "cat", "split"}
)


def rank(work: Workspace, node: Node) -> Node | None:
    """Return the node with its first operand on as many axes as the op needs."""
    if not node.operands:
        return None
    x = work.type(node.operands[0])
    wanted = needed_rank(node.op, x.rank)
    if wanted == x.rank:
        return None
    return replace(node, operands=(to_rank(work, node.operands[0], wanted), *node.operands[1:]))


def needed_rank(op: Op, have: int) -> int:
    """Return the rank that an op needs of its first operand; ``have`` where any is fine."""
    if op.name in NEED_RANK:
        return NEED_RANK[op.name]
    attributes = op.attributes()
    if isinstance(op, Permute):
        return len(op.dims)
    if isinstance(op, Expand):
        return min(have, len(op.shape))
    if op.name == "interpolate":
        return len(_entries(attributes["size"])) + 2
    if op.name == "pad":
        return max(have, len(_entries(attributes["pad"])) // 2)
    if op.name in ("batch_norm", "group_norm"):
        return max(2, min(have, 5))
    least = max([0, *(a + 1 if a >= 0 else -a for a in _axes(op))])
    return max(have, least)


def sizes(work: Workspace, node: Node) -> Node | None:
    """Return the node with sizes, indices or parts that its operand has."""
    if not node.operands:
        return None
    x, op = work.type(node.operands[0]), node.op
    if isinstance(op, Reshape | Unflatten):
        return _reshape(work, node, op, x)
    if isinstance(op, Unbind):
        return _unbind(work, node, op, x)
    new: Op = op
    if isinstance(op, Expand) and len(op.shape) >= x.rank:
        lead = len(op.shape) - x.rank
        kept = [s if h == 1 or s == -1 else h for h, s in zip(x.shape, op.shape[lead:], strict=True)]
        new = op.replace(shape=(*op.shape[:lead], *kept))
    elif isinstance(op, Split):
        parts = split_sizes(op.sizes, x.shape[op.dim % x.rank])
        new = op.replace(sizes=parts) if parts is not None else op
    elif isinstance(op, Select):
        size = x.shape[op.dim % x.rank]
        new = op.replace(index=max(min(op.index, size - 1), -size)) if isinstance(size, int) else op
    return repaired(node, new) if new != op else None


def indices(work: Workspace, node: Node) -> Node | None:
    """Return the node with indices that are integers."""
    place = 1 if isinstance(node.op, Index) else 0 if isinstance(node.op, Embedding) else None
    if place is None or not work.type(node.operands[place]).dtype.is_floating:
        return None
    operands = list(node.operands)
    operands[place] = work.emit("cast", operands[place], dtype="i64")
    return replace(node, operands=tuple(operands))


def batch_first(work: Workspace, node: Node) -> Node | None:
    """Return the node with its first operand's batch in front, where it is the size of another axis."""
    if not node.operands or len(work.batch) != 1:
        return None
    x, batch = work.type(node.operands[0]), symbol(min(work.batch))
    if batch not in x.shape[1:] or batch == x.shape[0]:
        return None
    place = x.shape.index(batch)
    order = (place, *(axis for axis in range(x.rank) if axis != place))
    return replace(node, operands=(work.emit("permute", node.operands[0], dims=order), *node.operands[1:]))


def keep_batch(work: Workspace, node: Node) -> Node:
    """Return a new or changed node with the batch left out of the axes that it joins or reduces; others as they are."""
    if not node.operands or node.types or work.type(node.operands[0]).rank < 2:
        return node
    x = work.type(node.operands[0])
    if symbols_of(x.shape[0]) != work.batch or not work.batch:
        return node
    attributes = node.op.attributes()
    name = next((n for n in ("start_dim", "dim") if n in attributes), "")
    if node.op.name not in MIXES_AXES or not name:
        return node
    value = attributes[name]
    axes = _numbers(value)
    rest = tuple(axis for axis in axes if axis % x.rank)
    if len(rest) == len(axes):
        return node
    return repaired(node, node.op.replace(**{name: (rest or (1,)) if isinstance(value, tuple) else 1}))


def check_state(work: Workspace, node: Node) -> None:
    """Raise NascError where the weights of a layer would depend on the batch."""
    operands = work.operand_types(node)
    most = arity(type(node.op))[1]
    if not operands or most is None or len(operands) > most:
        return
    for slot in node.op.state(operands):
        if any(symbols_of(dim) & work.batch for dim in slot.type.shape):
            raise NascError.of(
                f"the {slot.name} of {node.op.name} would be {slot.type}, as large as the batch",
                "expected the batch in front",
                "batch",
            )


def even(work: Workspace, node: Node) -> Node | None:
    """Return a halving node with an axis of even size."""
    if node.op.name != "glu":
        return None
    x = work.type(node.operands[0])
    dim = node.op.attributes()["dim"]
    assert isinstance(dim, int)
    axis = dim % x.rank
    size = x.shape[axis] // 2 * 2 or 2
    value = adapt(work, node.operands[0], x.with_shape(*x.shape[:axis], size, *x.shape[axis + 1 :]))
    return replace(node, operands=(value,))


def rederived(have: Sequence[Dim], shape: Sequence[Dim]) -> tuple[Dim, ...] | None:
    """Return a shape like ``shape`` for the elements of ``have``: one of its sizes changed; None if none fits.

    Equal sizes in front and at the end stay. Of the rest the last but one changes first: of (3, heads, width)
    that is the number of heads.
    """
    front = 0
    while front < min(len(have), len(shape)) and have[front] == shape[front]:
        front += 1
    back = 0
    while back < min(len(have), len(shape)) - front and have[-1 - back] == shape[-1 - back]:
        back += 1
    middle = shape[front : len(shape) - back]
    total = product(have[front : len(have) - back])
    order = [len(middle) - 2, len(middle) - 1, *range(len(middle) - 2)]
    for i in (i for i in order if i >= 0):
        rest = product(size for j, size in enumerate(middle) if j != i)
        if rest != 0 and (total // rest) * rest == total and total // rest != 0:
            new = (*middle[:i], total // rest, *middle[i + 1 :])
            return (*shape[:front], *new, *shape[len(shape) - back :])
    return None


def split_sizes(sizes: Sequence[Dim], total: Dim) -> tuple[Dim, ...] | None:
    """Return parts in about the same proportion that add up to ``total``; None where there is too little."""
    count = len(sizes)
    if all(size == sizes[0] for size in sizes) and (total // count) * count == total:
        return (total // count,) * count
    rest = total - sum(sizes[:-1], 0 * total)
    if not isinstance(total, int) or not all(isinstance(size, int) for size in sizes):
        return (*sizes[:-1], rest)
    known = [size for size in sizes if isinstance(size, int)]
    if total < count:
        return None
    scaled = [max(1, size * total // max(sum(known), 1)) for size in known[:-1]]
    return (*scaled, total - sum(scaled)) if sum(scaled) < total else None


def _reshape(work: Workspace, node: Node, op: Reshape | Unflatten, x: TensorType) -> Node:
    if isinstance(op, Unflatten):
        axis = op.dim % x.rank
        shape: Sequence[Dim] = (*x.shape[:axis], *op.sizes, *x.shape[axis + 1 :])
        node = replace(node, op=Reshape(shape=tuple(shape)))
    else:
        shape = op.shape
    old = work.before(node)[0]
    found = _grouped(old.shape, x.shape, shape) if old is not None and -1 not in shape else None
    found = found or rederived(x.shape, [size for size in shape if size != -1] if -1 in shape else shape)
    if found is not None:
        return repaired(node, Reshape(shape=found))
    known = [size if size != -1 else 1 for size in shape]
    value = resample(work, node.operands[0], x.with_shape(*known))
    return repaired(replace(node, operands=(value,)), Reshape(shape=tuple(known)))


def _grouped(old: Sequence[Dim], new: Sequence[Dim], shape: Sequence[Dim]) -> tuple[Dim, ...] | None:
    """Return the shape for new sizes, where the old ones tell which axes became which."""
    if len(old) != len(new) or product(old) != product(shape):
        return None
    result: list[Dim] = []
    i = j = 0
    while i < len(old) or j < len(shape):
        start, begin = i, j
        left: Dim = 1
        right: Dim = 1
        while left != right or (i == start and j == begin):
            if i < len(old) and (j == len(shape) or _smaller(left, right)):
                left, i = left * old[i], i + 1
            elif j < len(shape):
                right, j = right * shape[j], j + 1
            else:
                return None
        part = _part(old[start:i], new[start:i], shape[begin:j])
        if part is None:
            return None
        result += part
    return tuple(result)


def _part(old: Sequence[Dim], new: Sequence[Dim], shape: Sequence[Dim]) -> Sequence[Dim] | None:
    if tuple(old) == tuple(new):
        return shape
    return rederived(new, shape) if shape else None


def _smaller(a: Dim, b: Dim) -> bool:
    if isinstance(a, int) and isinstance(b, int):
        return a <= b
    return a == b or (isinstance(a, int) and not isinstance(b, int)) or (b // a) * a == b


def _unbind(work: Workspace, node: Node, op: Unbind, x: TensorType) -> Node | None:
    axis, count = op.dim % x.rank, len(node.results)
    if x.shape[axis] == count:
        return None
    if count in x.shape:
        return repaired(node, op.replace(dim=x.shape.index(count)))
    value = adapt(work, node.operands[0], x.with_shape(*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return replace(node, operands=(value,))


def _axes(op: Op) -> list[int]:
    found: list[int] = []
    for name in ("dim", "dims", "dim0", "dim1", "start_dim", "end_dim"):
        found += _numbers(op.attributes().get(name))
    return found


def _numbers(value: object) -> list[int]:
    """Return the plain numbers in an attribute that is one or a list."""
    return [item for item in _entries(value) if isinstance(item, int) and not isinstance(item, bool)]


def _entries(value: object) -> tuple[object, ...]:
    return cast(tuple[object, ...], value) if isinstance(value, tuple) else (value,)
