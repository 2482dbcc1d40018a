"""Graphs and modules: immutable values that name what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar

from . import attributes as at
from .diagnostics import Loc, NascError, did_you_mean
from .dims import Dim, Expr, substitute, symbols_of
from .op import Op, Types, declare
from .types import TensorType

NoteValue = str | int | float | bool
Notes = Mapping[str, NoteValue]
NO_NOTES: Notes = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Input:
    """A typed input of a graph."""

    name: str
    type: TensorType


@dataclass(frozen=True)
class Node:
    """One application of an op.

    ``operands`` and ``results`` are value names; ``types`` are the result types, empty until inferred.
    ``path`` is the dotted name of the layer in the source model, ``loc`` its source line, ``notes`` what
    passes say of it.
    """

    op: Op
    operands: tuple[str, ...]
    results: tuple[str, ...]
    types: Types = ()
    path: str = ""
    loc: Loc | None = None
    notes: Notes = field(default_factory=lambda: NO_NOTES)

    @property
    def name(self) -> str:
        """The first result, by which people know the node."""
        return self.results[0]

    @property
    def type(self) -> TensorType:
        """The type of the only result."""
        (only,) = self.types
        return only

    def annotate(self, **notes: NoteValue) -> Node:
        """Return this node with notes added."""
        return replace(self, notes={**self.notes, **notes})

    def __hash__(self) -> int:
        """Hash without the notes, which are a mapping."""
        return hash((self.op, self.operands, self.results))


@dataclass(frozen=True)
class Graph:
    """A network or a block: typed inputs, nodes in topological order, outputs.

    ``symbols`` are the parameters that a call must give; other symbols in the input types (``N``) are bound
    by the operands of the call. ``output_types`` is empty until stated or inferred. ``scopes`` maps the path
    of a submodule of the source model to its class name.
    """

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    output_types: Types = ()
    scopes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __hash__(self) -> int:
        """Hash the structure."""
        return hash((self.name, self.inputs, self.nodes, self.outputs))

    def value_types(self) -> dict[str, TensorType]:
        """Return the type of every value whose type is known."""
        types = {value.name: value.type for value in self.inputs}
        for node in self.nodes:
            types.update(zip(node.results, node.types, strict=False))
        return types

    def producers(self) -> dict[str, Node]:
        """Return the node that makes each value; inputs have none."""
        return {result: node for node in self.nodes for result in node.results}

    def users(self) -> dict[str, list[Node]]:
        """Return the nodes that read each value, in order, once an operand position."""
        users: dict[str, list[Node]] = {name: [] for name in self.value_names()}
        for node in self.nodes:
            for operand in node.operands:
                users.setdefault(operand, []).append(node)
        return users

    def value_names(self) -> list[str]:
        """Return the names of all values, inputs first."""
        return [value.name for value in self.inputs] + [name for node in self.nodes for name in node.results]

    def node(self, name: str) -> Node:
        """Return the node with a result of this name. Raises NascError with the nearest name."""
        producers = self.producers()
        if name not in producers:
            raise NascError.of(f"@{self.name} has no node %{name}", did_you_mean(name, producers), "unknown-node")
        return producers[name]

    def with_nodes(self, nodes: Iterable[Node], outputs: Iterable[str] | None = None) -> Graph:
        """Return this graph with other nodes (and outputs)."""
        return replace(self, nodes=tuple(nodes), outputs=self.outputs if outputs is None else tuple(outputs))


@dataclass(frozen=True)
class Module:
    """Graphs by name, the first one run being ``entry``; ``notes`` say where the module comes from."""

    graphs: tuple[Graph, ...]
    entry: str = "main"
    notes: Notes = field(default_factory=lambda: NO_NOTES)

    def __post_init__(self) -> None:
        """Keep the entry first, as the text form does: modules that differ only in that are equal."""
        if self.graphs and self.graphs[0].name != self.entry:
            first = tuple(graph for graph in self.graphs if graph.name == self.entry)
            rest = tuple(graph for graph in self.graphs if graph.name != self.entry)
            object.__setattr__(self, "graphs", first + rest)

    def __hash__(self) -> int:
        """Hash the structure."""
        return hash((self.graphs, self.entry))

    @property
    def main(self) -> Graph:
        """The entry graph."""
        return self.graph(self.entry)

    def graph(self, name: str) -> Graph:
        """Return the graph of this name. Raises NascError with the nearest name."""
        for graph in self.graphs:
            if graph.name == name:
                return graph
        raise NascError.of(
            f"there is no graph @{name}", did_you_mean(name, (g.name for g in self.graphs)), "unknown-graph"
        )

    def has(self, name: str) -> bool:
        """Return whether there is a graph of this name."""
        return any(graph.name == name for graph in self.graphs)

    def with_graph(self, new: Graph) -> Module:
        """Return this module with the graph of the same name replaced, or added at the end."""
        if not self.has(new.name):
            return replace(self, graphs=(*self.graphs, new))
        return replace(self, graphs=tuple(new if graph.name == new.name else graph for graph in self.graphs))

    def annotate(self, **notes: NoteValue) -> Module:
        """Return this module with notes added."""
        return replace(self, notes={**self.notes, **notes})


@declare
class CallBlock(Op):
    """Apply another graph of the module: ``call @block %x {C=64}``; its results are the graph's outputs."""

    name: ClassVar[str] = "call"
    operands: ClassVar[tuple[str, ...]] = ("x*",)
    callee: str = at.text()
    arguments: tuple[tuple[str, Dim], ...] = ()

    def __init__(self, *, callee: str, arguments: tuple[tuple[str, Dim], ...] = ()) -> None:
        super().__init__(callee=callee)
        self.__dict__["arguments"] = arguments

    def substitute(self, values: Mapping[str, Dim]) -> Op:
        """Replace symbols in the arguments."""
        return CallBlock(callee=self.callee, arguments=tuple((k, substitute(v, values)) for k, v in self.arguments))

    def symbols(self) -> frozenset[str]:
        """Return the symbols in the arguments."""
        return frozenset(s for _, value in self.arguments if isinstance(value, Expr) for s in symbols_of(value))


def rename_values(nodes: Iterable[Node], names: Mapping[str, str]) -> tuple[Node, ...]:
    """Return nodes with values renamed wherever they are made or read."""
    return tuple(
        replace(
            node,
            operands=tuple(names.get(name, name) for name in node.operands),
            results=tuple(names.get(name, name) for name in node.results),
        )
        for node in nodes
    )
