"""Blocks: one graph for several regions that differ in integers only, and the calls that take their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ...ir import (
    CallBlock,
    Dim,
    Graph,
    Input,
    Module,
    NascError,
    Node,
    Op,
    TensorType,
    bind,
    callees,
    checked,
    symbols_of,
)
from ...ir.ops.source import Constant, Parameter
from ..inlining import value_name
from .region import Region, sizes
from .symbols import ROLES, WINDOW, Symbols, Varying, varying

LAST_IS_CHANNEL = frozenset({"linear", "layer_norm", "rms_norm"})
MAX_SYMBOLS = 8


@dataclass(frozen=True)
class Block:
    """A block and one call of it for each region."""

    graph: Graph
    calls: tuple[tuple[Region, Node], ...]


def build(name: str, regions: Sequence[Region], graph: Graph, blocks: Mapping[str, Graph]) -> Block | None:
    """Return one block for all regions; None where it does not type-check with their sizes left open."""
    for mode in ("inputs", "small", "callees"):
        block = _Assembly(name, regions, graph, blocks, mode).block()
        if block is not None:
            return block
    return None


class _Assembly:
    """Puts one block together."""

    def __init__(
        self,
        name: str,
        regions: Sequence[Region],
        graph: Graph,
        blocks: Mapping[str, Graph],
        mode: str,
    ) -> None:
        self.name, self.regions, self.graph, self.blocks = name, regions, graph, blocks
        self.types = graph.value_types()
        self.first = regions[0]
        taken = {s for t in self.types.values() for dim in t.shape for s in symbols_of(dim)}
        found = self._varying() + (self._bound_by_callees() if mode == "callees" else [])
        self.symbols = Symbols(found, taken, self._results(), inputs_first=mode == "inputs")

    def block(self) -> Block | None:
        """Return the block and its calls."""
        if len(self.symbols.values) > MAX_SYMBOLS:
            return None
        open_graph = self._graph()
        bound = {s for value in open_graph.inputs for dim in value.type.shape for s in _linear(dim)}
        used = bound | _used(open_graph)
        everything = tuple(name for name in self.symbols.values if name in used)
        unbound = tuple(name for name in everything if name not in bound)
        for declared in dict.fromkeys((unbound, everything)):
            built = self._declared(open_graph, declared)
            if built is not None:
                return built
        return None

    def _declared(self, graph: Graph, declared: tuple[str, ...]) -> Block | None:
        candidate = Graph(graph.name, graph.inputs, graph.nodes, graph.outputs, declared, scopes=graph.scopes)
        needed = _closure(candidate, self.blocks)
        try:
            typed = checked(Module((candidate, *needed), candidate.name)).main
            calls = [self._call(typed, i) for i in range(len(self.regions))]
        except (NascError, ZeroDivisionError):
            return None
        complete = [(region, call) for region, call in zip(self.regions, calls, strict=True) if call]
        return Block(typed, tuple(complete)) if len(complete) == len(self.regions) else None

    def _call(self, block: Graph, index: int) -> Node | None:
        region = self.regions[index]
        arguments = tuple((name, self.symbols.values[name][index]) for name in block.symbols)
        op = CallBlock(callee=block.name, arguments=arguments)
        values = bind(block, op, tuple(self.types[name] for name in region.inputs))
        if any(values.get(name, vector[index]) != vector[index] for name, vector in self.symbols.values.items()):
            return None
        types = tuple(t.substitute(values) for t in block.output_types)
        if types != tuple(self.types[name] for name in region.outputs):
            return None
        for node, own in zip(block.nodes, region.nodes, strict=True):
            if tuple(t.substitute(values) for t in node.types) != own.types:
                return None
        stem = value_name(region.path)
        results = tuple(f"{stem}_{i}" if i else stem for i in range(len(types)))
        return Node(op, region.inputs, results, types, region.path)

    def _graph(self) -> Graph:
        names = self._names()
        nodes = tuple(self._node(j, node, names) for j, node in enumerate(self.first.nodes))
        inputs = tuple(Input(names[value], self._input_type(i)) for i, value in enumerate(self.first.inputs))
        scopes = {
            self.first.relative(path): cls
            for path, cls in self.graph.scopes.items()
            if path == self.first.path or path.startswith(f"{self.first.path}.")
        }
        outputs = tuple(names[value] for value in self.first.outputs)
        return Graph(self.name, inputs, nodes, outputs, scopes=MappingProxyType(scopes))

    def _node(self, j: int, node: Node, names: Mapping[str, str]) -> Node:
        return Node(
            self._op(j, node.op),
            tuple(names[value] for value in node.operands),
            tuple(names[value] for value in node.results),
            (),
            self.first.relative(node.path),
            node.loc,
            node.notes,
        )

    def _op(self, j: int, op: Op) -> Op:
        changes: dict[str, tuple[Dim, ...]] = {}
        others = [sizes(region.nodes[j].op) for region in self.regions]
        for name, dims in sizes(op).items():
            role = self._role(op, name)
            changes[name] = tuple(
                self.symbols.generalise([other[name][k] for other in others], role) for k in range(len(dims))
            )
        if isinstance(op, CallBlock):
            return CallBlock(callee=op.callee, arguments=tuple((n, dims[0]) for n, dims in changes.items()))
        single = {n: dims[0] if not isinstance(getattr(op, n), tuple) else dims for n, dims in changes.items()}
        if isinstance(op, Parameter | Constant):
            return op.replace(**single, key=self.first.relative(op.key))
        return op.replace(**single) if single != {n: getattr(op, n) for n in single} else op

    def _input_type(self, i: int) -> TensorType:
        types = [self.types[region.inputs[i]] for region in self.regions]
        roles = self._axis_roles(i)
        shape = [self.symbols.generalise([t.shape[axis] for t in types], roles[axis]) for axis in range(types[0].rank)]
        return types[0].with_shape(*shape)

    def _results(self) -> list[tuple[int, ...]]:
        """Return the sizes of every axis of the results, over all instances."""
        rows = [[dim for name in region.outputs for dim in self.types[name].shape] for region in self.regions]
        return [tuple(d for d in column if isinstance(d, int)) for column in zip(*rows, strict=False)]

    def _varying(self) -> list[Varying]:
        found: list[Varying] = []
        for i in range(len(self.first.inputs)):
            types = [self.types[region.inputs[i]] for region in self.regions]
            for axis, role in enumerate(self._axis_roles(i)):
                found += varying([t.shape[axis] for t in types], role, interface=True)
        for j, node in enumerate(self.first.nodes):
            others = [sizes(region.nodes[j].op) for region in self.regions]
            for name, dims in sizes(node.op).items():
                role = self._role(node.op, name)
                for k in range(len(dims)):
                    found += varying([other[name][k] for other in others], role)
        return found

    def _bound_by_callees(self) -> list[Varying]:
        """Return the symbols that the blocks called here solve from their operands: sizes may be multiples of them."""
        found: list[Varying] = []
        for j, node in enumerate(self.first.nodes):
            if not isinstance(node.op, CallBlock):
                continue
            rows = [self._solved(region.nodes[j]) for region in self.regions]
            for name in rows[0]:
                column = tuple(value for row in rows if isinstance(value := row[name], int))
                if len(column) == len(rows):
                    found += varying(column, self._role(node.op, name))
        return found

    def _solved(self, node: Node) -> dict[str, Dim]:
        assert isinstance(node.op, CallBlock)
        return bind(self.blocks[node.op.callee], node.op, tuple(self.types[name] for name in node.operands))

    def _role(self, op: Op, attribute: str) -> str:
        if isinstance(op, CallBlock):
            stem = attribute.rstrip("0123456789").partition("_")[0]
            return stem if stem in WINDOW or stem in ("C", "H", "W", "L", "G") else ""
        return ROLES.get(attribute, "")

    def _axis_roles(self, i: int) -> list[str]:
        value = self.first.inputs[i]
        rank = self.types[value].rank
        last = any(value in node.operands and node.op.name in LAST_IS_CHANNEL for node in self.first.nodes)
        if rank == 4:
            return ["", "H", "W", "C"] if last else ["", "C", "H", "W"]
        return {1: ["C"], 2: ["", "C"], 3: ["", "L", "C"]}.get(rank, [""] * rank)

    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        taken: set[str] = set()
        prefix = f"{value_name(self.first.path)}."
        producers = self.graph.producers()
        for i, value in enumerate(self.first.inputs):
            made = producers.get(value)
            stem = value.rpartition(".")[2] if made and not made.operands else ("x", "y", "z")[min(i, 2)]
            names[value] = _fresh(stem, taken)
        for node in self.first.nodes:
            for value in node.results:
                own = node.op.name if value == prefix[:-1] else value.removeprefix(prefix)
                names[value] = _fresh(value_name(own), taken)
        return names


def _fresh(stem: str, taken: set[str]) -> str:
    name, count = stem, 2
    while name in taken:
        name, count = f"{stem}_{count}", count + 1
    taken.add(name)
    return name


def _used(graph: Graph) -> frozenset[str]:
    found = {s for value in graph.inputs for dim in value.type.shape for s in symbols_of(dim)}
    return frozenset(found.union(*(node.op.symbols() for node in graph.nodes)))


def _linear(dim: Dim) -> frozenset[str]:
    """Return the symbol that a call can solve a size for: ``C*4+1`` gives C."""
    names = symbols_of(dim)
    if isinstance(dim, int) or len(names) != 1:
        return frozenset()
    (name,) = names
    return names if all(monomial in ((), (name,)) for monomial, _ in dim.terms) else frozenset()


def _closure(graph: Graph, blocks: Mapping[str, Graph]) -> list[Graph]:
    wanted: dict[str, Graph] = {}
    waiting = callees(graph)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = blocks[name]
            waiting += callees(blocks[name])
    return list(wanted.values())
