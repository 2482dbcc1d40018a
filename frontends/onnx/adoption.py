"""Adoption: weights that are read by one layer alone become its own, under the layer's path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...ir import Graph, Node, Op, Slot, arity
from .tensors import NUMPY, Array

OWNABLE = ("parameter", "constant", "full")
STATES = {"lstm": 2, "gru": 1, "rnn": 1}


@dataclass(frozen=True)
class Adopted:
    """A graph whose layers own their weights, and these by their new keys."""

    graph: Graph
    arrays: Mapping[str, Array]


def adopt(graph: Graph, arrays: Mapping[str, Array], stored: Collection[str] = ()) -> Adopted:
    """Return a graph in which each layer owns the weights that no other node reads.

    The path of a layer is what its weights' names share (``conv1`` for ``conv1.weight``), else the node's own. Weights
    that several layers read stay operands of each, unless these layers are one that is applied several times.
    ``stored`` are keys of the file's own tensors, which no other tensor may have.
    """
    return _Adoption(graph, arrays, stored).run()


class _Adoption:
    def __init__(self, graph: Graph, arrays: Mapping[str, Array], stored: Collection[str]) -> None:
        self.graph = graph
        self.types = graph.value_types()
        self.makers = graph.producers()
        self.users = graph.users()
        self.arrays = dict(arrays)
        self.paths: dict[tuple[Op, tuple[str, ...]], str] = {}
        self.owners: dict[str, tuple[object, ...]] = {}
        self.keys = {str(n.op.attributes()["key"]) for n in graph.nodes if n.op.name in ("parameter", "constant")}
        self.reserved = self.keys.union(stored)
        self.under: dict[str, set[str]] = defaultdict(set)
        for key in self.keys:
            for place, letter in enumerate(key):
                if letter == ".":
                    self.under[key[:place]].add(key)

    def run(self) -> Adopted:
        """Go over all layers."""
        nodes = [self._adopted(node) for node in self.graph.nodes]
        wanted = {name for node in nodes for name in node.operands} | set(self.graph.outputs)
        kept = [node for node in nodes if node.op.name not in OWNABLE or wanted.intersection(node.results)]
        keys = {str(node.op.attributes().get("key", "")) for node in kept}
        owned = {key: array for key, array in self.arrays.items() if key in keys or key in self.owners}
        return Adopted(self.graph.with_nodes(kept), owned)

    def _adopted(self, node: Node) -> Node:
        slots, given = self._slots(node)
        if not slots or not self._alone(node, given):
            return node
        sources = [self.makers[name] for name in given]
        path = self._path(node, slots, sources)
        for slot, source in zip(slots, sources, strict=True):
            self._keep(f"{path}.{slot.name}", source)
        count = len(node.operands) - len(given)
        operands = node.operands[:count]
        if node.op.name in STATES and all(self._zero(name) for name in operands[1:]):
            operands = operands[:1]
        return replace(node, operands=operands, path=path)

    def _slots(self, node: Node) -> tuple[tuple[Slot, ...], tuple[str, ...]]:
        most = arity(type(node.op))[1]
        if most is None or len(node.operands) <= most:
            return (), ()
        given = node.operands[most:]
        return node.op.state(tuple(self.types[name] for name in node.operands[:most])), given

    def _alone(self, node: Node, given: Sequence[str]) -> bool:
        """Return whether nothing else reads the weights, except the same layer once more."""
        for name in given:
            source = self.makers.get(name)
            if source is None or source.op.name not in OWNABLE or name in self.graph.outputs:
                return False
            if source.op.name != "full" and any(not self._twin(node, other) for other in self.users[name]):
                return False
        return True

    def _twin(self, node: Node, other: Node) -> bool:
        most = arity(type(node.op))[1] or 0
        return other.op == node.op and other.operands[most:] == node.operands[most:]

    def _zero(self, name: str) -> bool:
        source = self.makers.get(name)
        return source is not None and source.op.name == "full" and source.op.attributes()["value"] == 0

    def _path(self, node: Node, slots: Sequence[Slot], sources: Sequence[Node]) -> str:
        """Return the path of a layer that no other layer with other weights has."""
        mine = tuple(source.name for source in sources)
        if (node.op, mine) in self.paths and any(source.op.name != "full" for source in sources):
            return self.paths[node.op, mine]
        base = _shared(slots, sources) or node.path or node.name
        path, count = base, 0
        while self.owners.get(f"{path}.{slots[0].name}", mine) != mine or self._taken(path, slots, sources):
            count += 1
            path = f"{base}_{count}"
        self.owners.update((f"{path}.{slot.name}", mine) for slot in slots)
        self.paths[node.op, mine] = path
        return path

    def _taken(self, path: str, slots: Sequence[Slot], sources: Sequence[Node]) -> bool:
        """Return whether a tensor that is not the layer's has the path, or one of its keys."""
        own = {str(source.op.attributes().get("key")) for source in sources}
        names = {path, *(f"{path}.{slot.name}" for slot in slots)}
        return not names.isdisjoint(self.reserved - own) or bool(self.under[path] - own)

    def _keep(self, key: str, source: Node) -> None:
        """Name the numbers of a weight by the layer's key."""
        attributes = source.op.attributes()
        if source.op.name != "full":
            self.arrays[key] = self.arrays[str(attributes["key"])]
            return
        kind = source.type
        shape = tuple(size for size in kind.shape if isinstance(size, int))
        self.arrays[key] = np.full(shape, attributes["value"], NUMPY[kind.dtype])


def _shared(slots: Sequence[Slot], sources: Sequence[Node]) -> str:
    """Return the path that the names of the weights agree on, as far as they say one."""
    found: dict[str, int] = defaultdict(int)
    for slot, source in zip(slots, sources, strict=True):
        key = str(source.op.attributes().get("key", ""))
        if key.endswith(f".{slot.name}"):
            found[key[: -len(slot.name) - 1]] += 1
    return max(found, key=lambda path: found[path]) if found else ""
