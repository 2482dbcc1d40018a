"""Weights that an exporter stored once because they are equal, though each layer has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...ir import Graph, Node, arity
from .biases import Joined
from .tensors import Array


def part_shared(graph: Graph, arrays: Mapping[str, Array]) -> Joined:
    """Return a graph in which vectors that different layers read are vectors of each.

    Exporters store equal tensors once: in a network that was never trained all biases are one vector of zeros. Layers
    of different paths own their vectors; where nothing tells the path, only vectors of one number are parted.
    Matrices stay shared: they are tied on purpose.
    """
    parting = _Parting(graph, arrays)
    for node in graph.nodes:
        if node.op.name == "parameter" and _is_vector(node) and node.name not in graph.outputs:
            parting.part(node)
    return parting.done()


class _Parting:
    def __init__(self, graph: Graph, arrays: Mapping[str, Array]) -> None:
        self.graph = graph
        self.users = graph.users()
        self.numbers = dict(arrays)
        self.taken = set(graph.value_names()) | self.numbers.keys()
        self.renamed: dict[tuple[str, str], str] = {}
        self.copies: dict[str, dict[str, Node]] = {}

    def part(self, source: Node) -> None:
        """Give each layer that reads a vector its own, where there are several."""
        key = str(source.op.attributes()["key"])
        owners = {user.name: _owner(user, self.numbers[key]) for user in self.users[source.name]}
        if len(set(owners.values())) < 2:
            return
        copies = self.copies.setdefault(source.name, {})
        for user in self.users[source.name]:
            owner, stem = owners[user.name], _stem(source, user, key)
            if not owner or stem == key or (source.name, user.name) in self.renamed:
                continue
            if owner not in copies:
                name = _fresh(stem, self.taken)
                self.taken.add(name)
                self.numbers[name] = self.numbers[key]
                copies[owner] = replace(source, op=source.op.replace(key=name), results=(name,))
            self.renamed[source.name, user.name] = copies[owner].name

    def done(self) -> Joined:
        """Return the graph, itself where nothing was parted."""
        if not self.renamed:
            return Joined(self.graph, self.numbers)
        nodes: list[Node] = []
        for node in self.graph.nodes:
            operands = tuple(self.renamed.get((name, node.name), name) for name in node.operands)
            nodes.append(replace(node, operands=operands) if operands != node.operands else node)
            nodes += self.copies.get(node.name, {}).values()
        return Joined(self.graph.with_nodes(nodes), self.numbers)


def _owner(user: Node, array: Array) -> str:
    """Return what tells the layer of a node from others; "" where nothing does and the tensor may be tied."""
    if user.path:
        return user.path
    plain = array.size > 0 and bool((array == array.reshape(-1)[0]).all())
    return f"%{user.name}" if plain and np.isfinite(array.reshape(-1)[0]) else ""


def _stem(source: Node, user: Node, key: str) -> str:
    """Return the key of a copy: the layer's path and the slot that it fills."""
    most = arity(type(user.op))[1]
    place = user.operands.index(source.name)
    slot = key.rpartition(".")[2]
    if user.op.name == "add":
        slot = "bias"
    elif most is not None and place >= most:
        types = tuple(source.type if i else user.types[0] for i, _ in enumerate(user.operands[:most]))
        slots = user.op.state(types)
        slot = slots[place - most].name if place - most < len(slots) else slot
    return f"{user.path}.{slot}" if user.path else f"{key}"


def _fresh(stem: str, taken: set[str]) -> str:
    name, count = stem, 0
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name


def _is_vector(node: Node) -> bool:
    """Return whether a tensor has one axis, but for those of size 1."""
    return sum(size != 1 for size in node.type.shape) <= 1
