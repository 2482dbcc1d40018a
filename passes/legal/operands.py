"""Repairs of ops whose operands no longer fit each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...ir import Dim, NascError, Node, TensorType, symbols_of
from ...ir.ops.convolution import Convolution
from ...ir.ops.elementwise import Binary, MaskedFill, Pairwise, Where
from ...ir.ops.linear import Linear, Matmul, ScaledDotProductAttention
from ...ir.ops.selection import Cat, Stack
from ...ir.ops.source import Parameter
from .projection import adapt, to_rank
from .workspace import Workspace

FOLLOWING = frozenset(
    {
        "sigmoid",
        "hardsigmoid",
        "relu",
        "relu6",
        "silu",
        "hardswish",
        "gelu",
        "tanh",
        "softmax",
        "batch_norm",
        "expand",
    }
)
Pairs = Sequence[tuple[int, int]]


def elementwise(work: Workspace, node: Node) -> Node | None:
    """Return an element-wise op whose operands broadcast.

    A gate or a free parameter follows the operand that it is applied to; else the operand that changed is
    projected to the other.
    """
    if not isinstance(node.op, Binary | Pairwise | Where | MaskedFill) or len(node.operands) < 2:
        return None
    operands = list(node.operands)
    anchor = _anchor(work, operands)
    for i in range(len(operands)):
        if i == anchor or _broadcasts(work.type(operands[i]), work.type(operands[anchor])):
            continue
        for a, b in ((i, anchor), (anchor, i)):
            want = _beside(work.type(operands[a]), work.type(operands[b]))
            if want is not None and _is_gate(work, operands[a], want) and follow(work, operands[a], want):
                break
        else:
            operands[i] = _fitted(work, operands[i], operands[anchor])
    return replace(node, operands=tuple(operands))


def joined(work: Workspace, node: Node) -> Node | None:
    """Return a cat or stack whose operands agree on the other axes."""
    if not isinstance(node.op, Cat | Stack):
        return None
    anchor = work.type(node.operands[_anchor(work, list(node.operands))])
    axis = node.op.dim % anchor.rank if isinstance(node.op, Cat) else -1
    operands: list[str] = []
    for value in node.operands:
        if work.type(value).rank != anchor.rank:
            value = to_rank(work, value, anchor.rank)
        own = work.type(value).shape
        want = [own[a] if a == axis else size for a, size in enumerate(anchor.shape)]
        operands.append(adapt(work, value, work.type(value).with_shape(*want)))
    return replace(node, operands=tuple(operands))


def products(work: Workspace, node: Node) -> Node | None:
    """Return a matrix product or an attention whose inner sizes agree."""
    if isinstance(node.op, Matmul):
        x, y = (work.type(name) for name in node.operands)
        if x.rank < 2 or y.rank < 2:
            return None
        second = work.changed(node.operands[1]) and not work.changed(node.operands[0])
        if second:
            want = y.with_shape(*_batch(x, y), x.shape[-1], y.shape[-1])
            return replace(node, operands=(node.operands[0], adapt(work, node.operands[1], want)))
        want = x.with_shape(*_batch(y, x), x.shape[-2], y.shape[-2])
        return replace(node, operands=(adapt(work, node.operands[0], want), node.operands[1]))
    if not isinstance(node.op, ScaledDotProductAttention):
        return None
    query, key, value = (work.type(name) for name in node.operands[:3])
    wanted = (
        query.with_shape(*_batch(key, query), query.shape[-2], key.shape[-1]),
        key,
        value.with_shape(*_batch(key, value), key.shape[-2], value.shape[-1]),
    )
    adapted = [adapt(work, name, want) for name, want in zip(node.operands, wanted, strict=False)]
    return replace(node, operands=(*adapted, *node.operands[3:]))


def restore(work: Workspace, node: Node) -> Node | None:
    """Return the node with every operand of the type that it had before the edit."""
    operands: list[str] = []
    for value, want in zip(node.operands, work.before(node), strict=True):
        operands.append(value if want is None else adapt(work, value, want))
    return replace(node, operands=tuple(operands)) if tuple(operands) != node.operands else None


def follow(work: Workspace, value: str, want: TensorType) -> bool:
    """Give the layer or parameter behind a value another size, if nothing else reads what lies between."""
    chain: list[int] = []
    while True:
        place = work.place_of.get(value)
        if place is None or work.uses.get(value, 1) > 1 or len(work.nodes[place].results) > 1:
            return False
        node = work.nodes[place]
        chain.append(place)
        if node.op.name not in FOLLOWING:
            break
        value = node.operands[0]
    return _follows(work, chain, want)


def _follows(work: Workspace, chain: Sequence[int], want: TensorType) -> bool:
    saved = [(work.nodes[place], [work.types[r] for r in work.nodes[place].results]) for place in chain]
    node = work.nodes[chain[-1]]
    op, have = node.op, node.types[0]
    try:
        if isinstance(op, Parameter):
            work.change(chain[-1], op.replace(shape=_aligned(have, want)))
        elif isinstance(op, Convolution) and op.groups == 1 and have.rank == want.rank:
            work.change(chain[-1], op.replace(out_channels=want.shape[1]))
        elif isinstance(op, Linear) and len(node.operands) == 1:
            work.change(chain[-1], op.replace(out_features=want.shape[-1]))
        else:
            return False
        for place in reversed(chain[:-1]):
            work.change(place, work.nodes[place].op)
        if work.types[work.nodes[chain[0]].name].shape == want.shape:
            return True
    except NascError:
        pass
    for place, (before, types) in zip(chain, saved, strict=True):
        work.nodes[place] = before
        work.types.update(zip(before.results, types, strict=True))
    return False


def _aligned(have: TensorType, want: TensorType) -> tuple[Dim, ...]:
    lead = max(want.rank - have.rank, 0)
    return want.shape[lead:]


def _anchor(work: Workspace, operands: list[str]) -> int:
    """Return the operand that the others have to fit: the first that did not change, of the highest rank."""
    rank = max(work.type(name).rank for name in operands)
    order = sorted(
        range(len(operands)),
        key=lambda i: (
            work.type(operands[i]).rank != rank,
            not _has_batch(work, operands[i]),
            work.changed(operands[i]),
            i,
        ),
    )
    return order[0]


def _has_batch(work: Workspace, value: str) -> bool:
    x = work.type(value)
    return x.rank > 0 and bool(symbols_of(x.shape[0]) & work.batch)


def _broadcasts(a: TensorType, b: TensorType) -> bool:
    pairs = zip(reversed(a.shape), reversed(b.shape), strict=False)
    return all(x == y or x == 1 or y == 1 for x, y in pairs)


def _beside(x: TensorType, other: TensorType) -> TensorType | None:
    """Return the type that ``x`` should have beside another operand; axes of which one has size 1 stay."""
    lead = other.rank - x.rank
    if lead < 0:
        return None
    return x.with_shape(*(a if 1 in (a, b) else b for a, b in zip(x.shape, other.shape[lead:], strict=True)))


def _is_gate(work: Workspace, value: str, want: TensorType) -> bool:
    place = work.place_of.get(value)
    if place is not None and isinstance(work.nodes[place].op, Parameter):
        return True
    return 1 in want.shape[1:]


def _fitted(work: Workspace, value: str, anchor: str) -> str:
    x, other = work.type(value), work.type(anchor)
    if x.rank == other.rank or _beside(x, other) is None:
        want = _beside(x, other)
        return adapt(work, value, want or other.with_shape(*other.shape))
    if _has_batch(work, value):
        value = to_rank(work, value, other.rank)
    else:
        lead = other.rank - x.rank
        channels = x.rank == 1 and other.rank == 4 and x.shape[0] == other.shape[1]
        shape = (1, *x.shape, 1, 1) if channels else (*(1,) * lead, *x.shape)
        value = work.emit("reshape", value, shape=shape)
    want = _beside(work.type(value), other)
    return adapt(work, value, want or other)


def _batch(of: TensorType, x: TensorType) -> tuple[Dim, ...]:
    """Return the batch axes of ``of`` for ``x``, its own where the ranks differ or one is repeated."""
    if of.rank != x.rank:
        return x.shape[:-2]
    return tuple(b if 1 in (a, b) else a for a, b in zip(of.shape[:-2], x.shape[:-2], strict=True))


REPAIRS: tuple[Callable[[Workspace, Node], Node | None], ...] = (elementwise, joined, products)
