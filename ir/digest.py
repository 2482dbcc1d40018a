"""Canonical structural digest: equal for networks that compute the same in the same way, whatever their names.

A graph becomes a labelled DAG: its inputs by position, its live nodes by op, attributes and types, one vertex that
reads the outputs and one for each tensor of the state that several nodes share. Its canonical hash does not depend on
the order of nodes, the order of operands of commutative ops, or on names of values, layers, weights and symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .dims import Dim, symbol, symbols_of
from .graph import CallBlock, Graph, Module, Node
from .inference import infer
from .memo import memoised
from .op import Op, Types, arity
from .refinement import canonical_hash, hashed
from .types import TensorType

BATCH = "N"
"""What the first symbol of a graph is called; the others are numbered."""
WEIGHT_NAMES = ("key", "tied")
"""Attributes that name weights: which are shared counts, not what they are called."""


@memoised
def digest(module: Module) -> str:
    """Return 32 hexadecimal digits; calls count as calls, so inline first to compare across outlining.

    Two modules without calls have one digest exactly if they are isomorphic (but for collisions of the hash, and for
    components of thousands of vertices that no refinement tells apart).
    """
    typed = infer(module).module
    return _Digests(typed).of(typed.main).hex()


def op_label(op: Op) -> str:
    """Return an op and its attributes as one string, without the names of weights."""
    stated = {name: value for name, value in op.attributes().items() if name not in WEIGHT_NAMES}
    return f"{op.name}{sorted((name, _written(value)) for name, value in stated.items())}"


def _written(value: object) -> str:
    """Return a value as text; equal numbers are written alike, the types of the results tell 1 from 1.0."""
    if (isinstance(value, float) and value.is_integer()) or isinstance(value, bool):
        return str(int(value))
    return str(value)


class _Digests:
    """The digests of a module's graphs, each made once."""

    def __init__(self, module: Module) -> None:
        self.graphs = {graph.name: graph for graph in module.graphs}
        self.known: dict[str, bytes] = {}
        self.stateful: dict[str, bool] = {}

    def of(self, graph: Graph) -> bytes:
        """Return the digest of a graph, its callees first."""
        waiting = [graph]
        while waiting:
            top = waiting[-1]
            calls = [node.op.callee for node in top.nodes if isinstance(node.op, CallBlock)]
            missing = [name for name in dict.fromkeys(calls) if name not in self.known]
            if missing:
                waiting += [self.graphs[name] for name in missing]
                continue
            waiting.pop()
            if top.name not in self.known:
                self.known[top.name] = _Vertices(top, self).hash()
        return self.known[graph.name]


class _Vertices:
    """A graph as labels and edges."""

    def __init__(self, graph: Graph, digests: _Digests) -> None:
        self.graph = graph
        self.digests = digests
        self.names = _symbol_names(graph)
        self.labels: list[bytes] = []
        self.edges: list[list[tuple[int, bytes]]] = []
        self.values: dict[str, tuple[int, int]] = {}
        self.types: dict[str, TensorType] = graph.value_types()
        self.owners: dict[str, list[tuple[int, bytes]]] = {}
        self._known: dict[tuple[Op, Types], bytes] = {}

    def hash(self) -> bytes:
        """Return the canonical hash."""
        for place, value in enumerate(self.graph.inputs):
            self._add(hashed(b"input", b"%d" % place, self._typed(value.type)), [])
            self.values[value.name] = len(self.labels) - 1, 0
        stateful = False
        for node in _live(self.graph):
            stateful |= self._node(node)
        self.digests.stateful[self.graph.name] = stateful
        reads = [self.values[name] for name in self.graph.outputs]
        self._add(b"return", [(vertex, _tag(place + 1, result)) for place, (vertex, result) in enumerate(reads)])
        for shared in self.owners.values():
            if len(shared) > 1:
                self._add(b"shared", shared)
        return canonical_hash(self.labels, self.edges)

    def _add(self, label: bytes, edges: list[tuple[int, bytes]]) -> None:
        self.labels.append(label)
        self.edges.append(edges)

    def _node(self, node: Node) -> bool:
        """Add a node; return whether it has weights."""
        vertex = len(self.labels)
        reads = [self.values[name] for name in node.operands]
        ordered = not node.op.commutative
        self._add(self._label(node), [(v, _tag((place + 1) * ordered, r)) for place, (v, r) in enumerate(reads)])
        self.values.update((name, (vertex, index)) for index, name in enumerate(node.results))
        slots = list(self._slots(node))
        for key, slot in slots:
            self.owners.setdefault(key, []).append((vertex, slot))
        return bool(slots)

    def _slots(self, node: Node) -> Iterator[tuple[str, bytes]]:
        """Yield the key in the state dict and the slot of each tensor of the state that a node owns."""
        op = node.op
        if isinstance(op, CallBlock):
            if self.digests.stateful[op.callee]:
                yield node.path or f"%{node.name}", b"call"
            return
        if type(op).state is Op.state:
            return
        most = arity(type(op))[1]
        if most is not None and len(node.operands) > most:
            return
        free = "key" in op.known
        for slot in op.state(tuple(self.types[name] for name in node.operands)):
            if not free:
                yield f"{node.path or '%' + node.name}.{slot.name}", slot.name.encode()
            elif slot.name and not getattr(op, "data", ""):
                yield slot.name, b"key"

    def _label(self, node: Node) -> bytes:
        key = node.op, node.types
        label = self._known.get(key)
        if label is None:
            op = node.op.substitute(self.names)
            if isinstance(op, CallBlock):
                block = self.digests.graphs[op.callee]
                numbers = {name: place for place, name in enumerate(block.symbols)}
                given = sorted(f"{numbers.get(name, name)}={value}" for name, value in op.arguments)
                what = [b"call", self.digests.known[op.callee], *map(str.encode, given)]
            else:
                what = [op_label(op).encode()]
            label = self._known[key] = hashed(*what, *map(self._typed, node.types))
        return label

    def _typed(self, type: TensorType) -> bytes:
        return str(type.substitute(self.names)).encode()


def _tag(place: int, result: int) -> bytes:
    """Return the tag of an edge: which operand it is, 0 where they have no order, and which result it reads."""
    return place.to_bytes(4, "little") + result.to_bytes(4, "little")


def _symbol_names(graph: Graph) -> Mapping[str, Dim]:
    """Return new names of the symbols by the order in which they occur; empty where they have these names."""
    sizes = (size for value in graph.inputs for size in value.type.shape)
    found = [*graph.symbols, *(name for size in sizes for name in sorted(symbols_of(size)))]
    names = {name: f"{BATCH}{place or ''}" for place, name in enumerate(dict.fromkeys(found))}
    return {} if all(old == new for old, new in names.items()) else {old: symbol(new) for old, new in names.items()}


def _live(graph: Graph) -> list[Node]:
    """Return the nodes that reach an output."""
    wanted = set(graph.outputs)
    live: list[Node] = []
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.results):
            live.append(node)
            wanted.update(node.operands)
    return live[::-1]
