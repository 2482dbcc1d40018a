"""Cancelling of permutations: they travel down through what does not mind the order of axes, until they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import Dim, Graph, Module, NascError, Node, Op, TensorType, checked
from ..ir.inference import result_types
from ..ir.ops.shape import Permute, Reshape, Transpose
from .raised.carrying import Order, carried, compose, elementwise, inverse, moves_nothing

SOURCES = ("parameter", "constant", "full", "arange")
REGROUPING = ("reshape", "flatten", "unflatten", "squeeze", "unsqueeze")


@dataclass(frozen=True)
class CancelTransposes:
    """Move permutations through element-wise ops, joins, pads and reductions, and cancel those that meet.

    This brings networks written channels-last (TensorFlow, Keras) to channels-first, where the permutations
    around each convolution undo each other. A permutation that would not meet another stays where it is; so there
    are never more of them than before, and a module in which none cancels is returned as it is.
    """

    name: ClassVar[str] = "cancel-transposes"

    def __call__(self, module: Module) -> Module:
        """Return the module with fewer permutations. Raises NascError where it does not check."""
        module = checked(module)
        graphs = tuple(_cancelled(graph, module) for graph in module.graphs)
        same = all(a is b for a, b in zip(graphs, module.graphs, strict=True))
        return module if same else replace(module, graphs=graphs)


def _cancelled(graph: Graph, module: Module) -> Graph:
    if not any(isinstance(node.op, Permute | Transpose) for node in graph.nodes):
        return graph
    blocks = {other.name: other for other in module.graphs}
    trial = _Sinking(graph, blocks, frozenset())
    trial.run()
    losing = trial.losing()
    if len(losing) == len(trial.origins):
        return graph
    if losing:
        trial = _Sinking(graph, blocks, losing)
        trial.run()
    after = trial.finish()
    return after if _permutations(after) < _permutations(graph) else graph


def _permutations(graph: Graph) -> int:
    return sum(isinstance(node.op, Permute | Transpose) for node in graph.nodes)


@dataclass(slots=True)
class _Carry:
    """A value that lies in another order: ``permute(source, order)``; ``group`` is where its permutation began."""

    source: str
    order: Order
    group: str


class _Sinking:
    """One walk over a graph with every permutation that is not ``kept`` carried along as far as it goes."""

    def __init__(self, graph: Graph, blocks: dict[str, Graph], kept: frozenset[str]) -> None:
        self.graph = graph
        self.blocks = blocks
        self.kept = kept
        self.before = graph.value_types()
        self.producers = graph.producers()
        self.types: dict[str, TensorType] = {value.name: value.type for value in graph.inputs}
        self.nodes: list[Node] = []
        self.carries: dict[str, _Carry] = {}
        self.made: dict[str, str] = {}
        self.taken = set(graph.value_names())
        self.origins: dict[str, str] = {}
        self.balance: dict[str, int] = {}

    def run(self) -> None:
        """Walk over all nodes."""
        for node in self.graph.nodes:
            if isinstance(node.op, Permute | Transpose) and node.name not in self.kept:
                self._permute(node)
            elif not self._carry(node):
                self._emit(node, node.op, [self.value(name) for name in node.operands])
        self.outputs = tuple(self.value(name) for name in self.graph.outputs)

    def finish(self) -> Graph:
        """Return the graph; its outputs lie as they did."""
        from .canonical.sweep import live

        return self.graph.with_nodes(live(self.nodes, self.outputs), self.outputs)

    def losing(self) -> frozenset[str]:
        """Return the permutations of the groups that have no fewer of them than before."""
        return frozenset(name for name in self.origins if self.balance[self._group(name)] >= 0)

    def value(self, name: str) -> str:
        """Return the value that lies as the graph says, permuted where it has to be."""
        carry = self.carries.get(name)
        if carry is None:
            return name
        if carry.order == tuple(range(len(carry.order))):
            return carry.source
        if name not in self.made:
            self._pay(carry.group, 1)
            like = self.producers[name]
            self.made[name] = self._add(like, Permute(dims=carry.order), (carry.source,), f"{name}.permute")
        return self.made[name]

    def _permute(self, node: Node) -> None:
        """Carry a permutation, on top of the one that its operand carries."""
        (name,) = node.operands
        dims = _dims(node, self.before[name].rank)
        held = self.carries.get(name)
        group = held.group if held else node.name
        self.origins[node.name] = self._group(group) if held else node.name
        self.balance.setdefault(node.name, 0)
        self._pay(group, -1)
        order = compose(dims, held.order) if held else dims
        self.carries[node.name] = _Carry(held.source if held else name, order, group)

    def _carry(self, node: Node) -> bool:
        """Apply a node to its operands as they lie, where it can be; return whether it could."""
        held = [self.carries[name] for name in node.operands if name in self.carries]
        if not held or len(node.types) == 0:
            return False
        if node.op.name in REGROUPING and self._regroup(node, held[0]):
            return True
        wide = [one for one in held if len(one.order) == node.types[0].rank] or held
        best = max(wide, key=lambda one: sum(one.order == other.order for other in held))
        found = carried(node, self.before[node.operands[0]], best.order)
        if found is None or any(type.rank != len(found.order) for type in node.types):
            return False
        operands = self._laid(node, best.order)
        if operands is None or not self._emit(node, found.op, operands):
            return False
        group = best.group
        for other in held:
            if other.order == best.order:
                group = self._join(group, other.group)
        for result in node.results:
            self.carries[result] = _Carry(result, found.order, group)
        return True

    def _regroup(self, node: Node, carry: _Carry) -> bool:
        """Regroup the operand as it lies, where its permutation moves only axes of size 1."""
        if not moves_nothing(self.types[carry.source].shape, carry.order):
            return False
        return self._emit(node, Reshape(shape=node.type.shape), [carry.source])

    def _laid(self, node: Node, order: Order) -> list[str] | None:
        """Return all operands in an order; None where that takes more permutations than it saves."""
        saved = sum(self._has(name, order) for name in set(node.operands))
        others = {name for name in node.operands if not self._has(name, order)}
        if not elementwise(node.op) and any(self.before[name].rank != len(order) for name in others):
            return None
        costly = [name for name in others if not self._free(name, order)]
        if len(costly) >= saved:
            return None
        return [self._lay(name, order, node) for name in node.operands]

    def _has(self, name: str, order: Order) -> bool:
        return name in self.carries and self.carries[name].order == order

    def _free(self, name: str, order: Order) -> bool:
        """Return whether a value can be had in an order without moving the elements of an activation."""
        shape = _padded(self.before[name].shape, len(order))
        made = self.producers.get(name)
        return moves_nothing(shape, inverse(order)) or (made is not None and made.op.name in SOURCES)

    def _lay(self, name: str, order: Order, like: Node) -> str:
        if self._has(name, order):
            return self.carries[name].source
        value = self.value(name)
        back = inverse(order)
        shape = _padded(self.types[value].shape, len(order))
        laid = tuple(shape[axis] for axis in back)
        if moves_nothing(shape, back):
            return self._reshaped(value, laid, like)
        if not self._free(name, order):
            held = [self.carries[n] for n in like.operands if self._has(n, order)]
            self._pay(held[0].group, 1)
        wide = value if self.types[value].rank == len(order) else self._reshaped(value, shape, like, full=True)
        return self._add(like, Permute(dims=back), (wide,), f"{value}.permute")

    def _reshaped(self, value: str, shape: tuple[Dim, ...], like: Node, full: bool = False) -> str:
        """Return a value in a shape that differs by axes of size 1, as it is where it broadcasts alike."""
        wanted = shape if full or not elementwise(like.op) else _stripped(shape)
        have = self.types[value].shape
        if have == wanted or (not full and elementwise(like.op) and _stripped(have) == wanted):
            return value
        return self._add(like, Reshape(shape=wanted), (value,), f"{value}.reshape")

    def _emit(self, node: Node, op: Op, operands: Sequence[str]) -> bool:
        """Add a node with the results of another; return whether it types."""
        try:
            types = result_types(op, tuple(self.types[name] for name in operands), self.blocks)
        except NascError:
            return False
        self.types.update(zip(node.results, types, strict=True))
        same = op == node.op and tuple(operands) == node.operands and types == node.types
        self.nodes.append(node if same else replace(node, op=op, operands=tuple(operands), types=types))
        return True

    def _add(self, like: Node, op: Op, operands: tuple[str, ...], stem: str) -> str:
        name, count = stem, 1
        while name in self.taken:
            name, count = f"{stem}_{count}", count + 1
        self.taken.add(name)
        types = result_types(op, tuple(self.types[operand] for operand in operands), self.blocks)
        self.types[name] = types[0]
        self.nodes.append(Node(op, operands, (name,), types, like.path, like.loc))
        return name

    def _group(self, name: str) -> str:
        while self.origins.get(name, name) != name:
            name = self.origins[name]
        return name

    def _join(self, a: str, b: str) -> str:
        first, second = self._group(a), self._group(b)
        if first != second:
            self.origins[second] = first
            self.balance[first] += self.balance.pop(second)
            self.balance[second] = 0
        return first

    def _pay(self, group: str, count: int) -> None:
        root = self._group(group)
        self.balance[root] = self.balance.get(root, 0) + count


def _dims(node: Node, rank: int) -> Order:
    if isinstance(node.op, Permute):
        return tuple(axis % rank for axis in node.op.dims)
    assert isinstance(node.op, Transpose)
    dims = list(range(rank))
    a, b = node.op.dim0 % rank, node.op.dim1 % rank
    dims[a], dims[b] = b, a
    return tuple(dims)


def _padded(shape: tuple[Dim, ...], rank: int) -> tuple[Dim, ...]:
    return (*(1 for _ in range(rank - len(shape))), *shape)


def _stripped(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Return a shape without the leading axes of size 1."""
    for i, size in enumerate(shape):
        if size != 1:
            return shape[i:]
    return ()
