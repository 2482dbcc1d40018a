"""Applying edits to a module: what each edit does to the graph that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from ..ir import OPS, Diagnostic, Graph, Loc, Module, NascError, Node, callees, counted, rename_values
from ..ir.graph import NO_NOTES, Notes
from .block import replace_block
from .edits import Delete, Edit, Insert, NewBlock, OpSpec, Repeat, Replace, SetAttributes, Skip, edit_line
from .naming import fresh_path, fresh_value, owns_state, scope_of
from .op_changes import build_op, change_op, data_operands, fit_operands, need_one_operand


def apply_edits(module: Module, edits: Sequence[Edit], notes: Notes = NO_NOTES) -> Module:
    """Return the module with all edits applied, one after the other.

    Every node that is new, changed or reads something else now carries the note ``edit`` and ``notes``
    (model, prompt). New layers get paths that no weight has. Types downstream of an edit are dropped, output
    types stay as the interface that is to be kept; nodes and blocks that nothing uses any more go. The result
    may not type: ``passes.Legalize`` repairs what can be repaired. Raises NascError with every edit that
    cannot be applied.
    """
    problems: list[Diagnostic] = []
    gone: set[tuple[str, str]] = set()
    for edit in edits:
        try:
            module = _apply(module, edit, notes)
        except NascError as error:
            problems += [_placed(diagnostic, edit, (edit.graph, edit.node) in gone) for diagnostic in error.diagnostics]
        if isinstance(edit, Delete):
            gone.add((edit.graph, edit.node))
    if problems:
        raise NascError(*problems)
    names = {edit.graph or module.entry for edit in edits}
    return _without_unused(_renamed(module, edits), names)


def _renamed(module: Module, edits: Iterable[Edit]) -> Module:
    """Return the module with values that were named after an op which was replaced named after the new one."""
    for edit in edits:
        graph = module.graph(edit.graph or module.entry)
        node = graph.producers().get(edit.node)
        if not isinstance(edit, Replace) or node is None:
            continue
        stem, dot, leaf = edit.node.rpartition(".")
        kind = re.sub(r"_\d+$", "", leaf)
        if kind not in OPS or kind == node.op.name:
            continue
        names = {edit.node: fresh_value(graph, f"{stem}{dot}{node.op.name}")}
        outputs = [names.get(name, name) for name in graph.outputs]
        module = module.with_graph(graph.with_nodes(rename_values(graph.nodes, names), outputs))
    return module


def _apply(module: Module, edit: Edit, notes: Notes) -> Module:
    graph = module.graph(edit.graph or module.entry)
    if isinstance(edit, NewBlock):
        return module.with_graph(replace_block(graph, edit.body, notes))
    surgery = _Surgery(graph, str(edit), notes)
    _OPERATIONS[type(edit)](surgery, edit)
    return module.with_graph(surgery.finish())


def _placed(diagnostic: Diagnostic, edit: Edit, gone: bool) -> Diagnostic:
    message = f"`{edit_line(edit)}`: {diagnostic.message}"
    hint = f"an edit above deletes %{edit.node}" if gone else diagnostic.hint
    return replace(diagnostic, message=message, hint=hint, graph=diagnostic.graph or edit.graph)


@dataclass
class _Surgery:
    """One edit in progress: the nodes of a graph, and what of them has changed."""

    graph: Graph
    text: str
    notes: Notes

    def __post_init__(self) -> None:
        self.nodes = list(self.graph.nodes)
        self.outputs = self.graph.outputs
        self.stale: set[str] = set()

    def node(self, name: str) -> Node:
        """Return the node that makes a value. Raises NascError, with the nearest name."""
        if any(value.name == name for value in self.graph.inputs):
            raise NascError.of(f"%{name} is an input of @{self.graph.name}, not a node", "name a node", "unknown-node")
        return self.graph.node(name)

    def place(self, value: str) -> int:
        """Return the index behind the node that makes a value, 0 for an input. Raises NascError."""
        if any(known.name == value for known in self.graph.inputs):
            return 0
        node = self.graph.node(value)
        return next(i for i, other in enumerate(self.nodes) if other is node) + 1

    def touched(self, node: Node) -> Node:
        """Return a node with the notes of this edit and without its types."""
        before = node.notes.get("edit")
        text = f"{before}; {self.text}" if before and before != self.text else self.text
        self.stale.update(node.results)
        return replace(node, types=()).annotate(edit=text, **self.notes)

    def put(self, old: Node, new: Node) -> None:
        """Put a node in the place of another."""
        self.nodes = [self.touched(new) if node is old else node for node in self.nodes]

    def redirect(self, old: str, new: str, start: int, mark: bool = False) -> None:
        """Make every reader of a value from an index on, and the outputs, read another."""
        for i in range(start, len(self.nodes)):
            node = self.nodes[i]
            if old in node.operands:
                node = replace(node, operands=tuple(new if name == old else name for name in node.operands))
                self.nodes[i] = self.touched(node) if mark else replace(node, types=())
                self.stale.update(node.results)
        self.outputs = tuple(new if name == old else name for name in self.outputs)

    def insert(self, node: Node, value: str, place: int) -> None:
        """Put a new node behind a value; everything that reads the value reads the node."""
        self.nodes.insert(place, self.touched(node))
        self.redirect(value, node.name, place + 1)

    def finish(self) -> Graph:
        """Return the graph, with the types that may have changed left out."""
        nodes: list[Node] = []
        for node in self.nodes:
            if node.types and self.stale.intersection(node.operands):
                node = replace(node, types=())
            if not node.types:
                self.stale.update(node.results)
            nodes.append(node)
        return self.graph.with_nodes(nodes, self.outputs)


def _set(surgery: _Surgery, edit: SetAttributes) -> None:
    node = surgery.node(edit.node)
    op = change_op(node.op, dict(edit.values))
    if op == node.op:
        raise NascError.of("this changes nothing", "give another value", "edit-idle")
    surgery.put(node, replace(node, op=op))


def _replace(surgery: _Surgery, edit: Replace) -> None:
    node = surgery.node(edit.node)
    if len(node.results) != 1:
        raise NascError.of(
            f"%{node.name} makes {counted(len(node.results), 'value')}",
            "replace a node with one result",
            "edit-results",
        )
    op = build_op(edit.op, node.op)
    if op == node.op:
        raise NascError.of("this changes nothing", "give another op", "edit-idle")
    same = type(op) is type(node.op)
    operands = node.operands if same else fit_operands(op, node)
    path, name = node.path, node.name
    if not same and (owns_state(node) or owns_state(replace(node, op=op))):
        path = fresh_path(surgery.graph, scope_of(surgery.graph, name), op.name)
    surgery.put(node, replace(node, op=op, operands=operands, path=path))


def _insert(surgery: _Surgery, edit: Insert) -> None:
    graph, place = surgery.graph, surgery.place(edit.node)
    op = build_op(edit.op, None)
    need_one_operand(op)
    name = fresh_value(graph, op.name)
    node = Node(op, (edit.node,), (name,))
    scope = scope_of(graph, edit.node)
    path = fresh_path(graph, scope, op.name) if owns_state(node) else scope
    surgery.insert(replace(node, path=path, loc=_loc(graph, edit.node)), edit.node, place)


def _loc(graph: Graph, value: str) -> Loc | None:
    node = graph.producers().get(value)
    return node.loc if node else None


def _delete(surgery: _Surgery, edit: Delete) -> None:
    node = surgery.node(edit.node)
    operands = data_operands(node)
    if len(operands) != 1 or len(node.results) != 1:
        shown = ", ".join(f"%{name}" for name in operands) or "none"
        raise NascError.of(
            f"%{node.name} ({node.op.name}) has the operands {shown}, so nothing can take its place",
            "delete a node with one operand and one result, or replace it",
            "edit-operands",
        )
    place = surgery.nodes.index(node)
    del surgery.nodes[place]
    surgery.redirect(node.name, operands[0], place, mark=True)


def _skip(surgery: _Surgery, edit: Skip) -> None:
    graph = surgery.graph
    place = surgery.place(edit.node)
    if edit.source == edit.node:
        raise NascError.of("a value cannot skip to itself", "name an earlier value first", "edit-order")
    if surgery.place(edit.source) > place:
        raise NascError.of(
            f"%{edit.source} comes after %{edit.node}",
            f"write skip %{edit.node} -> %{edit.source}",
            "edit-order",
        )
    op = build_op(OpSpec("add"), None)
    name = fresh_value(graph, "add")
    scope = scope_of(graph, edit.node)
    surgery.insert(Node(op, (edit.node, edit.source), (name,), (), scope, _loc(graph, edit.node)), edit.node, place)


def _repeat(surgery: _Surgery, edit: Repeat) -> None:
    graph, node = surgery.graph, surgery.node(edit.node)
    if len(data_operands(node)) != 1 or len(node.results) != 1:
        raise NascError.of(
            f"%{node.name} ({node.op.name}) does not take one value and give one",
            "repeat a layer or a call with one operand and one result",
            "edit-operands",
        )
    stem = node.name.rpartition(".")[2] if "." in node.path else node.name
    path = node.path
    if owns_state(node):
        scope, _, leaf = node.path.rpartition(".")
        path = fresh_path(graph, scope, leaf or node.op.name)
        stem = path
    copy = Node(node.op, (node.name,), (fresh_value(graph, stem),), (), path, node.loc)
    surgery.insert(copy, node.name, surgery.nodes.index(node) + 1)


_OPERATIONS = cast(
    Mapping[type[Edit], Callable[[_Surgery, Edit], None]],
    {SetAttributes: _set, Replace: _replace, Insert: _insert, Delete: _delete, Skip: _skip, Repeat: _repeat},
)


def _without_unused(module: Module, names: Iterable[str]) -> Module:
    """Return the module without the nodes of some graphs, and the blocks, that nothing uses any more."""
    for name in names:
        graph = module.graph(name)
        wanted = set(graph.outputs)
        kept: list[Node] = []
        for node in reversed(graph.nodes):
            if wanted.intersection(node.results):
                wanted.update(node.operands)
                kept.append(node)
        if len(kept) < len(graph.nodes):
            module = module.with_graph(graph.with_nodes(reversed(kept)))
    graphs = {graph.name: graph for graph in module.graphs}
    reached: set[str] = set()
    waiting = [module.entry]
    while waiting:
        name = waiting.pop()
        if name in graphs and name not in reached:
            reached.add(name)
            waiting += callees(graphs[name])
    return replace(module, graphs=tuple(g for g in module.graphs if g.name in reached))
