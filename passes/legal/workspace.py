"""The workspace of legalization: a graph in the making, whose nodes are placed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ...ir import OPS, Dim, Expr, Graph, Loc, Node, Notes, Op, TensorType, build, show, substitute, symbol, symbols_of
from ...ir.graph import NO_NOTES
from ...ir.inference import result_types

ORIGIN = "legalize"


class Workspace:
    """Nodes placed so far with their types, and what is known of the graph before the edit."""

    def __init__(
        self,
        graph: Graph,
        blocks: Mapping[str, Graph],
        before: Graph | None = None,
        instances: Sequence[Mapping[str, Dim]] = (),
    ) -> None:
        self.graph = graph
        self.blocks = blocks
        self.instances = instances
        self.failed: set[str] = set()
        self.version = 0
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {value.name: value.type for value in graph.inputs}
        self.old = dict(self.types) | graph.value_types() | (before.value_types() if before else {})
        self.alias: dict[str, str] = {}
        self.place_of: dict[str, int] = {}
        self.uses = _uses(graph)
        self.current: Node | None = None
        self.known_instances: set[object] = set()
        self._operands_before = _operand_types(before) if before else {}
        self._names = set(graph.value_names())
        self._paths = {node.path for node in graph.nodes} | {p for p in graph.scopes}
        self._count = 0
        self.batch = frozenset(s for v in graph.inputs if v.type.rank for s in symbols_of(v.type.shape[0]))
        self.has_conv1d = any(node.op.name in ("conv1d", "conv_transpose1d") for node in graph.nodes)

    def type(self, value: str) -> TensorType:
        """Return the type of a value as it is now."""
        return self.types[value]

    def operand_types(self, node: Node) -> tuple[TensorType, ...]:
        """Return the types of the operands of a node."""
        return tuple(self.types[name] for name in node.operands)

    def expected(self, value: str) -> TensorType | None:
        """Return the type that a value had before the edit; for a new one that of what it stands behind."""
        seen: set[str] = set()
        while value not in self.old and value not in seen:
            seen.add(value)
            place = self.place_of.get(value)
            operands = self.nodes[place].operands if place is not None else ()
            if not operands:
                return None
            value = operands[0]
        return self.old.get(value)

    def before(self, node: Node) -> list[TensorType | None]:
        """Return the types that the operands of a node had before the edit, as far as they are known."""
        known = self._operands_before.get(node.name, ())
        if len(known) == len(node.operands):
            return list(known)
        return [self.expected(value) for value in node.operands]

    def numbers(self, dim: Dim) -> list[int]:
        """Return the values that a size has over all calls of the graph; none where they are not known."""
        if isinstance(dim, int):
            return [dim]
        found = [substitute(dim, values) for values in self.instances]
        return [value for value in found if isinstance(value, int)]

    def changed(self, value: str) -> bool:
        """Return whether a value is not known to have the type that it had."""
        return self.old.get(value) != self.types[value]

    def infer(self, op: Op, operands: Sequence[str]) -> tuple[TensorType, ...]:
        """Return the result types. Raises NascError where the operands do not fit."""
        return result_types(op, tuple(self.types[name] for name in operands), self.blocks)

    def put(self, node: Node, types: tuple[TensorType, ...]) -> None:
        """Place a node."""
        node = node if node.types == types else replace(node, types=types)
        self.place_of.update(dict.fromkeys(node.results, len(self.nodes)))
        self.nodes.append(node)
        self.types.update(zip(node.results, types, strict=True))

    def emit(self, op: str, *operands: str, **attributes: object) -> str:
        """Place a new node with a layer path of its own and return its value. Raises NascError."""
        made = build(OPS[op], attributes)
        types = self.infer(made, operands)
        self._count += 1
        while f"adapt_{self._count}" in self._names | self._paths:
            self._count += 1
        name = f"adapt_{self._count}"
        self._names.add(name)
        loc: Loc | None = self.current.loc if self.current else None
        node = Node(made, operands, (name,), types, name, loc, self._notes())
        self.put(node, types)
        return name

    def change(self, place: int, op: Op) -> None:
        """Give a placed node another op, and its results their new types. Raises NascError."""
        node = self.nodes[place]
        types = self.infer(op, node.operands)
        self.version += 1
        self.nodes[place] = replace(repaired(node, op), types=types)
        self.types.update(zip(node.results, types, strict=True))

    def solve_for(self, dims: Iterable[Dim]) -> list[Expr]:
        """Return the symbols that occur in sizes of the graph, as candidates for a stride."""
        names = {name for dim in dims for name in symbols_of(dim)} | set(self.graph.symbols)
        return [symbol(name) for name in sorted(names - self.batch)]

    def _notes(self) -> Notes:
        inherited = {k: v for k, v in (self.current.notes if self.current else NO_NOTES).items() if k == "edit"}
        return {**inherited, "origin": ORIGIN}


def repaired(node: Node, op: Op) -> Node:
    """Return a node with another op, and a note of the attributes that were repaired."""
    before = node.op.attributes()
    changes = [f"{name}={show(value)}" for name, value in op.attributes().items() if before.get(name) != value]
    return replace(node, op=op).annotate(repair=", ".join(changes)) if changes else node


def _operand_types(graph: Graph) -> dict[str, tuple[TensorType, ...]]:
    types = graph.value_types()
    return {
        node.name: tuple(types[name] for name in node.operands)
        for node in graph.nodes
        if all(name in types for name in node.operands)
    }


def _uses(graph: Graph) -> dict[str, int]:
    uses: dict[str, int] = {}
    for name in (*(name for node in graph.nodes for name in node.operands), *graph.outputs):
        uses[name] = uses.get(name, 0) + 1
    return uses
