"""Two graphs as numbered vertices and tagged edges, the form in which they are aligned."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from ...ir import Graph, Input, Node, Op
from ...ir.digest import WEIGHT_NAMES

Edge = tuple[int, int]
"""A neighbour and the tag of the edge: which operand it is (none for commutative ops), which result it reads."""


class Vocabulary:
    """Small numbers for equal things, shared by the two graphs."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def number(self, thing: Hashable) -> int:
        """Return the number of a thing, a new one where it was not seen before."""
        return self._known.setdefault(thing, len(self._known))


@dataclass
class Dag:
    """A flat graph: its inputs, then its nodes in order, then one vertex that reads the outputs.

    ``labels`` are equal for equal ops with equal attributes, ``kinds`` for equal ops. ``operands`` are (vertex,
    result) pairs in order; ``preds`` and ``succs`` the same edges with tags, from both ends.
    """

    graph: Graph
    things: list[Input | Node | None]
    labels: list[int] = field(default_factory=lambda: list[int]())
    kinds: list[int] = field(default_factory=lambda: list[int]())
    operands: list[list[tuple[int, int]]] = field(default_factory=lambda: list[list[tuple[int, int]]]())
    preds: list[list[Edge]] = field(default_factory=lambda: list[list[Edge]]())
    succs: list[list[Edge]] = field(default_factory=lambda: list[list[Edge]]())

    def __len__(self) -> int:
        return len(self.things)

    def node(self, vertex: int) -> Node | None:
        """Return the node of a vertex; inputs and the return have none."""
        thing = self.things[vertex]
        return thing if isinstance(thing, Node) else None

    def commutative(self, vertex: int) -> bool:
        """Return whether the order of a vertex's operands means nothing."""
        node = self.node(vertex)
        return node is not None and node.op.commutative

    def kind(self, vertex: int) -> str:
        """Return the name of the op, or ``input`` or ``return``."""
        thing = self.things[vertex]
        return thing.op.name if isinstance(thing, Node) else "input" if thing else "return"

    def name(self, vertex: int) -> str:
        """Return the value that a vertex is known by."""
        thing = self.things[vertex]
        return thing.name if thing is not None else "return"


def dag(graph: Graph, vocabulary: Vocabulary) -> Dag:
    """Return a flat graph as vertices and edges."""
    made = Dag(graph, [*graph.inputs, *graph.nodes, None])
    made.succs = [[] for _ in made.things]
    values: dict[str, tuple[int, int]] = {}
    for vertex, thing in enumerate(made.things):
        if isinstance(thing, Node):
            reads, results = thing.operands, thing.results
            kind, label = vocabulary.number(thing.op.name), vocabulary.number(without_key(thing.op))
        else:
            reads, results = ((), (thing.name,)) if thing else (graph.outputs, ())
            kind = label = vocabulary.number("%input" if thing else "%return")
        made.kinds.append(kind)
        made.labels.append(label)
        _connect(made, vertex, [values[name] for name in reads])
        values.update((name, (vertex, index)) for index, name in enumerate(results))
    return made


def without_key(op: Op) -> Op:
    """Return an op without the names of its weights."""
    return op.replace(**{name: "" for name in WEIGHT_NAMES}) if "key" in op.known else op


def _connect(made: Dag, vertex: int, operands: list[tuple[int, int]]) -> None:
    thing = made.things[vertex]
    ordered = not (isinstance(thing, Node) and thing.op.commutative)
    made.operands.append(operands)
    edges = [(source, ((place + 1) * ordered << 16) + result) for place, (source, result) in enumerate(operands)]
    made.preds.append(edges)
    for source, tag in edges:
        made.succs[source].append((vertex, tag))
