"""What may be edited at each node: the legal values, ops and places from which the edit grammar is made.

Every option is tried on the types of the node before it is offered: one that keeps the result's type cannot
fail. Widths change types, and what divides channels may fit one call of a block and not another: these are tried on the
whole module, with the repairs that ``legalize`` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..ir import Graph, Module, NascError, Node, Op, TensorType, Types, result_types
from . import candidates
from .edits import Edit, OpSpec, Replace, SetAttributes, show_value
from .op_changes import build_op, change_op, data_operands, fit_operands

T = TypeVar("T")
Trial = Callable[[Module, Edit], bool]
_LAST_SOURCES = 4
_DIVISORS = frozenset({"groups", "num_groups"})


@dataclass(frozen=True)
class Vocabulary:
    """The options of one graph, as text; every mapping is from a value's name.

    ``settings`` holds attribute -> values for a node, ``replacements`` and ``insertions`` ops, ``deletions``
    and ``repeats`` nodes, ``skips`` the nodes to whose result a value can be added.
    """

    graph: str
    settings: Mapping[str, Mapping[str, tuple[str, ...]]]
    replacements: Mapping[str, tuple[str, ...]]
    insertions: Mapping[str, tuple[str, ...]]
    deletions: tuple[str, ...]
    repeats: tuple[str, ...]
    skips: Mapping[str, tuple[str, ...]]

    @property
    def empty(self) -> bool:
        """Whether nothing may be edited."""
        parts = (self.settings, self.replacements, self.insertions, self.deletions, self.repeats, self.skips)
        return not any(parts)


def vocabulary(module: Module, graph: Graph, focus: Sequence[str], allowed: frozenset[str], trial: Trial) -> Vocabulary:
    """Return what may be edited at the nodes of ``focus``, with no op beyond those ``allowed``.

    The module is fully typed. ``trial`` says whether an edit that changes types can be repaired.
    """
    scene = _Scene(module, graph, allowed, trial)
    nodes = [node for node in graph.nodes if node.name in set(focus) and _editable(node)]
    same = [node.name for node in nodes if scene.keeps_type(node)]
    return Vocabulary(
        graph.name,
        _filled((node.name, scene.settings(node)) for node in nodes),
        _filled((node.name, scene.replacements(node)) for node in nodes),
        _filled((node.name, scene.insertions(node)) for node in nodes if node.name not in scene.closed),
        tuple(name for name in same if scene.producers[name].op.name in candidates.DELETABLE),
        tuple(name for name in same if scene.producers[name].op.name in candidates.REPEATABLE),
        scene.skips(nodes) if "add" in allowed else {},
    )


def _editable(node: Node) -> bool:
    """Return whether a node can be edited: of several results only the first one of a recurrent layer is spoken of."""
    return len(node.results) == 1 or node.op.name in candidates.RECURRENT


def _filled(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    return {name: value for name, value in pairs if value}


class _Scene:
    """A graph with what is looked up about it again and again."""

    def __init__(self, module: Module, graph: Graph, allowed: frozenset[str], trial: Trial) -> None:
        self.module, self.graph, self.allowed, self.trial = module, graph, allowed, trial
        self.types = graph.value_types()
        self.producers = graph.producers()
        self.users = graph.users()
        self.blocks = {other.name: other for other in module.graphs}
        self.last = last_layers(graph)
        self.closed = self.last if graph.name == module.entry else frozenset[str]()

    def operand_types(self, node: Node) -> Types:
        return tuple(self.types[name] for name in data_operands(node))

    def keeps_type(self, node: Node) -> bool:
        types = self.operand_types(node)
        return len(types) == 1 and node.types == types and node.name not in self.closed

    def gives(self, op: Op, operands: Types, wanted: Types) -> bool:
        try:
            return result_types(op, operands, self.blocks) == wanted
        except (NascError, ZeroDivisionError):
            return False

    def settings(self, node: Node) -> dict[str, tuple[str, ...]]:
        operands = self.operand_types(node)
        kept: dict[str, tuple[str, ...]] = {}
        for name, values in candidates.attribute_values(node.op, operands).items():
            fitting = tuple(show_value(v) for v in values if self.fits(node, name, v, operands))
            if fitting:
                kept[name] = fitting
        widths = candidates.widths(node.op)
        for name in widths if node.name not in self.last else ():
            tried = tuple(show_value(v) for v in widths[name] if self.tried(node, name, v))
            if tried:
                kept[name] = tried
        return kept

    def fits(self, node: Node, name: str, value: object, operands: Types) -> bool:
        try:
            op = change_op(node.op, {name: value})
        except NascError:
            return False
        if op == node.op or not self.gives(op, operands, node.types):
            return False
        return name not in _DIVISORS or self.divides(SetAttributes(self.graph.name, node.name, ((name, value),)))

    def divides(self, edit: Edit) -> bool:
        """Return whether an edit that divides channels fits every call of the block, whose channels may be symbols."""
        return self.graph.name == self.module.entry or self.trial(self.module, edit)

    def tried(self, node: Node, name: str, value: object) -> bool:
        return self.trial(self.module, SetAttributes(self.graph.name, node.name, ((name, value),)))

    def replacements(self, node: Node) -> tuple[str, ...]:
        operands = self.operand_types(node)
        if not operands:
            return ()
        specs = candidates.replacements(node.op, operands[0])
        return tuple(str(spec) for spec in specs if self.replaces(spec, node, operands))

    def replaces(self, spec: OpSpec, node: Node, operands: Types) -> bool:
        if spec.name not in self.allowed:
            return False
        try:
            op = build_op(spec, node.op)
            fit_operands(op, node)
        except NascError:
            return False
        if op == node.op or not self.gives(op, operands, node.types):
            return False
        names = {name for name, _ in spec.values}
        return not names & _DIVISORS or self.divides(Replace(self.graph.name, node.name, spec))

    def insertions(self, node: Node) -> tuple[str, ...]:
        if node.op.name not in candidates.ANCHORS:
            return ()
        type_ = node.types[0]
        specs = candidates.insertions(type_, self.layout(node))
        return tuple(
            str(spec)
            for spec in specs
            if spec.name in self.allowed and self.gives(build_op(spec, None), (type_,), (type_,))
        )

    def layout(self, node: Node) -> str:
        """Return where the channels of a node's result are: first (axis 1), last, or unknown."""
        for other in (node, *self.users[node.name]):
            found = candidates.layout(other.op)
            if found != "unknown":
                return found
        below = [self.producers[name] for name in node.operands if name in self.producers]
        return next((found for n in below if (found := candidates.layout(n.op)) != "unknown"), "unknown")

    def skips(self, nodes: Sequence[Node]) -> dict[str, tuple[str, ...]]:
        """Return, for each source, the later nodes of the same type that it can be added to."""
        chosen: dict[str, list[str]] = {}
        earlier: dict[TensorType, list[str]] = {}
        for value in self.graph.inputs:
            earlier.setdefault(value.type, []).append(value.name)
        targets = {node.name for node in nodes if node.op.name in candidates.ANCHORS} - self.closed
        for node in self.graph.nodes:
            for source in earlier.get(node.types[0], [])[-_LAST_SOURCES:] if node.name in targets else ():
                if node.types[0].dtype.is_floating:
                    chosen.setdefault(source, []).append(node.name)
            if node.op.name in candidates.ANCHORS and len(node.types) == 1:
                earlier.setdefault(node.types[0], []).append(node.name)
        return {source: tuple(names) for source, names in chosen.items()}


def last_layers(graph: Graph) -> frozenset[str]:
    """Return the nodes that pass on what the graph returns, back to and with the layers that make it."""
    producers = graph.producers()
    found: set[str] = set()
    waiting = list(graph.outputs)
    while waiting:
        name = waiting.pop()
        node = producers.get(name)
        if node is None or name in found:
            continue
        found.add(name)
        if node.op.name not in candidates.WIDTH_MAKERS and len(graph.nodes) > 1:
            waiting += node.operands
    return frozenset(found) if _ends_in_layer(graph, found, producers) else frozenset(graph.outputs)


def _ends_in_layer(graph: Graph, found: set[str], producers: Mapping[str, Node]) -> bool:
    return any(producers[name].op.name in candidates.WIDTH_MAKERS for name in found)
