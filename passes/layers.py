"""Layers of a flat graph: the units whose relevance is measured."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ..ir import Graph, Node

NOT_LAYERS = frozenset({"constant", "full", "arange"})


@dataclass(frozen=True, slots=True)
class Layer:
    """The nodes of one layer, known by its path (a function by its value), in the order of the graph."""

    path: str
    nodes: tuple[str, ...]


def layers(graph: Graph) -> tuple[Layer, ...]:
    """Return the layers of a flat graph, breadth first from its inputs.

    Nodes with one path are one layer where nothing lies below that path; functions in the forward of a larger
    module are a layer each. A free parameter comes right before what reads it first. Constants and other tensors
    that the model only looks up are no layers.
    """
    leaves = _leaves(graph)
    members: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.op.name not in NOT_LAYERS:
            members.setdefault(_layer_of(node, leaves), []).append(node.name)
    order = dict.fromkeys(_layer_of(node, leaves) for node in breadth_first(graph))
    named = {f"%{node.name}": _shown(node) for node in graph.nodes}
    return tuple(Layer(named.get(key, key), tuple(members[key])) for key in order if key in members)


def breadth_first(graph: Graph) -> list[Node]:
    """Return the nodes in breadth-first order from the inputs; sources right before what reads them first."""
    users = graph.users()
    producers = graph.producers()
    seen: set[str] = set()
    order: list[Node] = []
    queue = deque(node for value in graph.inputs for node in users[value.name])
    queue.extend(node for node in graph.nodes if not node.operands)
    while queue:
        node = queue.popleft()
        if node.name in seen:
            continue
        for operand in node.operands:
            source = producers.get(operand)
            if source is not None and not source.operands and source.name not in seen:
                seen.add(source.name)
                order.append(source)
        seen.add(node.name)
        order.append(node)
        queue.extend(user for result in node.results for user in users[result])
    return order


def _leaves(graph: Graph) -> frozenset[str]:
    """Return the paths that no other path lies below."""
    paths = {node.path for node in graph.nodes if node.path}
    above = {path[:i] for path in paths for i, letter in enumerate(path) if letter == "."}
    return frozenset(paths - above)


def _layer_of(node: Node, leaves: frozenset[str]) -> str:
    return node.path if node.path in leaves and node.operands else f"%{node.name}"


def _shown(node: Node) -> str:
    return f"{node.path}.{node.op.name}" if node.path and node.operands else node.name
