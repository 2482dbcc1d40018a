"""Where to edit: the algorithm chooses the block and its nodes, the LLM fills in how."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..ir import CallBlock, Graph, Module, Node, callees
from .candidates import ANCHORS, DELETABLE, RECURRENT

MOST_NODES = 24
_NAME = re.compile(r"[\w.]*\w")
_EDITABLE = ANCHORS | DELETABLE | {"adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool1d"}


@dataclass(frozen=True)
class Place:
    """A graph of the module and the nodes in it that may be edited, by falling potential."""

    graph: str
    nodes: tuple[str, ...]


def focus_of(graph: Graph, most: int = MOST_NODES) -> tuple[str, ...]:
    """Return the editable nodes of a graph, in order; of many those of largest absolute relevance."""
    nodes = [node for node in graph.nodes if _editable(node)]
    if len(nodes) <= most:
        return tuple(node.name for node in nodes)
    ranked = sorted(range(len(nodes)), key=lambda i: (-abs(relevance_of(nodes[i])), i * 7919 % len(nodes)))
    kept = set(ranked[:most])
    return tuple(node.name for i, node in enumerate(nodes) if i in kept)


def _editable(node: Node) -> bool:
    single = len(node.results) == 1 or node.op.name in RECURRENT
    return node.op.name in _EDITABLE and single and _NAME.fullmatch(node.name) is not None


def places(module: Module, most: int = MOST_NODES) -> tuple[Place, ...]:
    """Return the graphs that can be edited, the one with the largest potential first.

    The potential of a graph is how much of what hurts an edit of it reaches: the sum of the negative
    relevance of its nodes, times how often the graph is run; graphs without any come in the order of their
    size.
    """
    runs = run_counts(module)
    found = [(graph, focus_of(graph, most)) for graph in module.graphs]
    ranked = sorted(
        ((graph, nodes) for graph, nodes in found if nodes),
        key=lambda pair: (-potential(pair[0], runs[pair[0].name]), -len(pair[1]) * runs[pair[0].name]),
    )
    return tuple(Place(graph.name, nodes) for graph, nodes in ranked)


def potential(graph: Graph, runs: int) -> float:
    """Return how much negative relevance an edit of the graph reaches."""
    return runs * sum(max(0.0, -relevance_of(node)) for node in graph.nodes)


def relevance_of(node: Node) -> float:
    """Return the relevance noted at a node; 0 where there is none."""
    value = node.notes.get("relevance", 0.0)
    return float(value) if isinstance(value, (int, float)) else 0.0


def run_counts(module: Module) -> Counter[str]:
    """Return how often each graph runs when the entry runs once."""
    order: list[str] = []
    _visit(module, module.entry, order)
    counts = Counter({module.entry: 1})
    for name in reversed(order):
        for node in module.graph(name).nodes:
            if isinstance(node.op, CallBlock):
                counts[node.op.callee] += counts[name]
    return counts


def _visit(module: Module, name: str, order: list[str]) -> None:
    """Add a graph behind all that it calls; calls are never recursive."""
    for callee in callees(module.graph(name)):
        if callee not in order:
            _visit(module, callee, order)
    order.append(name)
