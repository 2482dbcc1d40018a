"""Crossing two modules: what tells the second from the first, as edits of the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...ir import Graph, Module, Node, attributes_of
from ..edits import Delete, Edit, Insert, NewBlock, OpSpec, Replace
from ..op_changes import data_operands

_ALIKE = 0.5


def differences(first: Module, second: Module) -> tuple[Edit, ...]:
    """Return edits of the first module, each of which brings it nearer to the second.

    Graphs are matched by name and interface, nodes by their names: another op on the same operands, a node put in
    behind a value, a node left out. Where the bodies of two blocks have little in common the whole body is taken.
    """
    found: list[Edit] = []
    for graph in first.graphs:
        other = _counterpart(graph, second)
        if other is None or other == graph:
            continue
        if _alike(graph, other):
            found += _nodes(graph, other)
        elif _closed(other, first):
            found.append(NewBlock(replace(other, name=graph.name)))
    return tuple(found)


def _counterpart(graph: Graph, module: Module) -> Graph | None:
    """Return the graph of a module that can take the place of another: the same name, or the same interface."""
    same = [other for other in module.graphs if _interface(other) == _interface(graph)]
    return next((other for other in same if other.name == graph.name), same[0] if same else None)


def _interface(graph: Graph) -> object:
    return tuple(value.type for value in graph.inputs), graph.output_types, graph.symbols


def _alike(first: Graph, second: Graph) -> bool:
    names, others = {node.name for node in first.nodes}, {node.name for node in second.nodes}
    return len(names & others) >= _ALIKE * max(len(names), len(others))


def _closed(graph: Graph, module: Module) -> bool:
    """Return whether all that a graph calls is in a module."""
    return all(module.has(getattr(node.op, "callee", "")) for node in graph.nodes if node.op.name == "call")


def exchangeable(mine: Node, theirs: Node) -> bool:
    """Return whether a node can take over the op of another of its name."""
    calls = "call" in (mine.op.name, theirs.op.name)
    return not calls and theirs.op != mine.op and len(theirs.operands) == len(mine.operands)


def taken_over(graph: str, theirs: Node) -> Replace:
    """Return the edit that gives a node the op of another of its name, with all its attributes."""
    return Replace(graph, theirs.name, _spec(theirs))


def _nodes(first: Graph, second: Graph) -> Iterator[Edit]:
    mine, theirs = first.producers(), second.producers()
    known = mine.keys() | {value.name for value in first.inputs}
    for node in first.nodes:
        other = theirs.get(node.name)
        if other is not None and exchangeable(node, other):
            yield taken_over(first.name, other)
        elif other is None and len(data_operands(node)) == 1 and len(node.results) == 1:
            yield Delete(first.name, node.name)
    for node in second.nodes:
        if node.name not in known and len(node.operands) == 1 and node.operands[0] in known and node.op.name != "call":
            yield Insert(first.name, node.operands[0], _spec(node))


def _spec(node: Node) -> OpSpec:
    """Return an op with all its attributes, so that nothing of what it replaces is kept."""
    values = node.op.attributes()
    return OpSpec(node.op.name, tuple((name, values[name]) for name in attributes_of(type(node.op)) if name in values))
