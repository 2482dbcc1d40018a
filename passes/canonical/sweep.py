"""The driver of rewrite rules: one sweep over a graph in topological order.

A rule looks at one node and at what made its operands, never at its users; so when the sweep comes to a
node, everything that the rule may look at is in its final form, and one sweep reaches the fixed point in
linear time. What a rule returns goes through the rules again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...ir import Graph, Node, Op, TensorType
from ...ir.inference import result_types


@dataclass(frozen=True, slots=True)
class Same:
    """The result of a node is a value that exists already."""

    value: str


@dataclass(frozen=True, slots=True)
class Become:
    """A node is replaced by others; the last one makes its result."""

    nodes: tuple[Node, ...]


Rewrite = Same | Become | None


class View:
    """What the sweep has made so far: types and producers of values, and new names."""

    def __init__(self, graph: Graph, evaluation: bool) -> None:
        self.types: dict[str, TensorType] = graph.value_types()
        self.producers: dict[str, Node] = {}
        self.sources: dict[Op, str] = {}
        self.evaluation = evaluation
        self.alias: dict[str, str] = {}
        self._uses = Counter(name for node in graph.nodes for name in node.operands)
        self._uses.update(graph.outputs)

    def alone(self, value: str) -> bool:
        """Return whether no more than one operand reads a value."""
        return self._uses[value] <= 1

    def rename(self, old: str, new: str) -> None:
        """Let a value stand for another."""
        self.alias[old] = new
        self._uses[new] += self._uses[old] - 1

    def type(self, value: str) -> TensorType:
        """Return the type of a value."""
        return self.types[value]

    def operand(self, node: Node, op: str, index: int = 0) -> Node | None:
        """Return the node that makes an operand where it is this op and has one result."""
        if index >= len(node.operands):
            return None
        made = self.producers.get(node.operands[index])
        return made if made is not None and made.op.name == op and len(made.results) == 1 else None

    def node(self, like: Node, op: Op, operands: Sequence[str], result: str = "") -> Node:
        """Return a node in the place of another: its layer, line, notes and, by default, its result."""
        types = result_types(op, tuple(self.types[name] for name in operands), {})
        results = (result or like.name,)
        self.types[results[0]] = types[0]
        return Node(op, tuple(operands), results, types, like.path, like.loc, like.notes)

    def become(self, like: Node, op: Op, *operands: str) -> Become | None:
        """Return the rewrite of a node to one other op; None where its type would change."""
        wanted = like.types
        new = self.node(like, op, operands or like.operands)
        self.types[like.name] = wanted[0]
        return Become((new,)) if new.types == wanted else None

    def fresh(self, stem: str) -> str:
        """Return a name that no value has."""
        name, count = stem, 1
        while name in self.types:
            name, count = f"{stem}_{count}", count + 1
        return name


Rule = Callable[[Node, View], Rewrite]


def sweep(graph: Graph, rules: Mapping[str, Sequence[Rule]], *, evaluation: bool) -> Graph:
    """Return a typed graph after all rules, without dead nodes; the graph itself where nothing changes.

    ``rules`` are listed by the name of the op that they look at.
    """
    view = View(graph, evaluation)
    made: list[Node] = []
    for original in graph.nodes:
        operands = tuple(view.alias.get(name, name) for name in original.operands)
        node = original if operands == original.operands else replace(original, operands=operands)
        pending = [node]
        while pending:
            node = pending.pop()
            rewrite = _first(node, view, rules.get(node.op.name, ()))
            if isinstance(rewrite, Become):
                pending += reversed(rewrite.nodes)
            elif isinstance(rewrite, Same):
                _rename(node.name, rewrite.value, view, pending)
            else:
                made.append(node)
                view.producers.update((result, node) for result in node.results)
    outputs = tuple(view.alias.get(name, name) for name in graph.outputs)
    return _if_changed(graph, live(made, outputs), outputs)


def live(nodes: Sequence[Node], outputs: Sequence[str]) -> list[Node]:
    """Return the nodes that reach an output."""
    wanted = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.results):
            kept.append(node)
            wanted.update(node.operands)
    return kept[::-1]


def _first(node: Node, view: View, rules: Sequence[Rule]) -> Rewrite:
    for rule in rules:
        rewrite = rule(node, view)
        if rewrite is not None:
            return rewrite
    return None


def _rename(old: str, new: str, view: View, pending: list[Node]) -> None:
    view.rename(old, new)
    for i, node in enumerate(pending):
        if old in node.operands:
            renamed = tuple(new if name == old else name for name in node.operands)
            pending[i] = replace(node, operands=renamed)


def _if_changed(graph: Graph, nodes: list[Node], outputs: tuple[str, ...]) -> Graph:
    same = len(nodes) == len(graph.nodes) and all(a is b for a, b in zip(nodes, graph.nodes, strict=True))
    return graph if same and outputs == graph.outputs else graph.with_nodes(nodes, outputs)
