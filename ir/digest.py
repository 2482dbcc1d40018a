"""Canonical structural digest: equal for networks that compute the same, whatever their names and node order.

Weisfeiler-Lehman refinement on the DAG: a value's label hashes its op, attributes, types and its operands'
labels (sorted for commutative ops). Labels flow from the inputs to the outputs, so one sweep in
topological order reaches the fixed point; the digest covers the outputs' labels and the multiset of all live
labels, which tells a value that is shared from one that is computed twice.
"""

from __future__ import annotations

from hashlib import blake2b

from .graph import CallBlock, Graph, Module, Node
from .inference import infer
from .memo import memoised
from .op import Op


@memoised
def digest(module: Module) -> str:
    """Return 32 hexadecimal digits; calls count as calls, so inline first to compare across outlining."""
    return _graph_digest(infer(module).module, infer(module).module.main, {})


def _graph_digest(module: Module, graph: Graph, known: dict[str, str]) -> str:
    labels = {value.name: _hash("input", str(i), str(value.type)) for i, value in enumerate(graph.inputs)}
    live = _live(graph)
    for node in graph.nodes:
        if node.name not in live:
            continue
        label = _node_label(module, node, labels, known)
        for i, result in enumerate(node.results):
            labels[result] = _hash(label, str(i)) if len(node.results) > 1 else label
    shared = sorted(labels[node.name] for node in graph.nodes if node.name in live)
    return _hash("graph", *(labels[name] for name in graph.outputs), "nodes", *shared)


def _node_label(module: Module, node: Node, labels: dict[str, str], known: dict[str, str]) -> str:
    operands = [labels[name] for name in node.operands]
    if node.op.commutative:
        operands.sort()
    if isinstance(node.op, CallBlock):
        callee = node.op.callee
        if callee not in known:
            known[callee] = _graph_digest(module, module.graph(callee), known)
        arguments = [f"{name}={value}" for name, value in node.op.arguments]
        return _hash("call", known[callee], *arguments, *operands)
    return _hash(op_label(node.op), *map(str, node.types), *operands)


def op_label(op: Op) -> str:
    """Return an op and its attributes as one string, without the names of weights."""
    stated = {name: value for name, value in op.attributes().items() if name != "key"}
    return f"{op.name}{sorted((name, str(value)) for name, value in stated.items())}"


def _live(graph: Graph) -> set[str]:
    """Return the first results of the nodes that reach an output."""
    wanted = set(graph.outputs)
    live: set[str] = set()
    for node in reversed(graph.nodes):
        if wanted.intersection(node.results):
            live.add(node.name)
            wanted.update(node.operands)
    return live


def _hash(*parts: str) -> str:
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(part.encode())
        state.update(b"\0")
    return state.hexdigest()
