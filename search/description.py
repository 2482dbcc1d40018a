"""What an edit does, in words that follow from the edit itself; an LLM's own reason is kept apart."""

from __future__ import annotations

from ..ir import CallBlock, Graph, Module, NascError, Node, counted
from .edits import Delete, Edit, Insert, NewBlock, Repeat, Replace, SetAttributes, Skip, edit_line, show_value


def describe(edit: Edit, module: Module) -> str:
    """Return what an edit does to the module it was made for: ``kernel_size of conv1 3 -> 5``."""
    try:
        graph = module.graph(edit.graph or module.entry)
        text = _words(edit, graph)
    except NascError:
        return edit_line(edit)
    return text if graph.name == module.entry else f"@{graph.name}: {text}"


def _words(edit: Edit, graph: Graph) -> str:
    match edit:
        case SetAttributes():
            return _changes(edit, graph.node(edit.node))
        case Replace():
            node = graph.node(edit.node)
            return f"{_label(node)}: {node.op.name} -> {edit.op}"
        case Insert():
            return f"{edit.op} after {_value(graph, edit.node)}"
        case Delete():
            node = graph.node(edit.node)
            return f"{_label(node)} ({_kind(node)}) removed"
        case Skip():
            return f"{_value(graph, edit.source)} added to {_value(graph, edit.node)}"
        case Repeat():
            node = graph.node(edit.node)
            return f"{_label(node)} ({_kind(node)}) once more behind itself"
        case NewBlock():
            return f"new body, {len(graph.nodes)} -> {counted(len(edit.body.nodes), 'node')}"


def _changes(edit: SetAttributes, node: Node) -> str:
    before = dict(node.op.arguments) if isinstance(node.op, CallBlock) else node.op.attributes()
    return ", ".join(
        f"{name} of {_label(node)} {show_value(before.get(name))} -> {show_value(value)}" for name, value in edit.values
    )


def _label(node: Node) -> str:
    return node.name


def _kind(node: Node) -> str:
    return f"@{node.op.callee}" if isinstance(node.op, CallBlock) else node.op.name


def _value(graph: Graph, name: str) -> str:
    if any(value.name == name for value in graph.inputs):
        return f"the input {name}"
    return _label(graph.node(name))


def percent(before: int, after: int) -> str:
    """Return a change of a count, ``+12%``."""
    if before == after:
        return "unchanged"
    return f"{100 * (after - before) / before:+.3g}%" if before else f"+{after}"
