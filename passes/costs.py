"""Cost of a network: parameters, multiply-accumulates and activation memory, by node and in total."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..ir import Module, Node, Op, Types, arity, evaluate, memoised
from .inlining import inline, join

SOURCES = frozenset({"parameter", "constant"})
VIEWS = frozenset(
    {
        "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose", "expand", "select",
        "slice", "split", "unbind", "identity",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeCost:
    """The cost of one node of the flat module; ``name`` is its value there."""

    name: str
    path: str
    op: str
    params: int
    macs: int
    activation_bytes: int
    buffers: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one forward pass of one sample takes.

    ``params`` counts trained numbers and ``buffers`` those that are kept but not trained, each tensor of the
    state once however many nodes read it. ``macs`` are multiply-accumulates of convolutions, matrix products
    and attention; element-wise work and normalisation count nothing, as in the papers. ``activation_bytes``
    is the size of all intermediate results; views (reshape, slice ...) hold no memory of their own.
    """

    params: int
    macs: int
    activation_bytes: int
    nodes: tuple[NodeCost, ...]
    buffers: int = 0


@memoised
def cost(module: Module) -> Cost:
    """Return the cost with every symbol of the entry, the batch, set to 1. Raises NascError."""
    graph = inline(module).main
    types = graph.value_types()
    seen: set[tuple[str, str]] = set()
    nodes = tuple(_node_cost(node, tuple(types[name] for name in node.operands), seen) for node in graph.nodes)
    return Cost(
        sum(node.params for node in nodes),
        sum(node.macs for node in nodes),
        sum(node.activation_bytes for node in nodes),
        nodes,
        sum(node.buffers for node in nodes),
    )


@lru_cache(maxsize=65536)
def _measured(op: Op, operands: Types, results: Types) -> tuple[tuple[tuple[str, int, bool], ...], int, int]:
    """Return the slots that an op owns (name, elements, buffer), its MACs and the bytes of its results."""
    most = arity(type(op))[1]
    given = most is not None and len(operands) > most
    data = operands[:most] if given else operands
    slots = () if given else tuple((s.name, evaluate(s.type.numel), s.buffer) for s in op.state(data))
    memory = 0 if op.name in SOURCES or op.name in VIEWS else sum(evaluate(t.bytes) for t in results)
    return slots, evaluate(op.macs(data, results)), memory


def _node_cost(node: Node, operands: Types, seen: set[tuple[str, str]]) -> NodeCost:
    slots, macs, memory = _measured(node.op, operands, node.types)
    owner = "" if node.op.name in SOURCES else node.path or f"%{node.name}"
    params = buffers = 0
    for name, size, buffer in slots:
        key = (join(owner, name), str(size))
        if key in seen:
            continue
        seen.add(key)
        params, buffers = (params, buffers + size) if buffer else (params + size, buffers)
    return NodeCost(node.name, node.path, node.op.name, params, macs, memory, buffers)
