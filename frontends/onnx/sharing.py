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
    users = graph.users()
    numbers = dict(arrays)
    taken = set(graph.value_names()) | numbers.keys()
    renamed: dict[tuple[str, str], str] = {}
    copies: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.op.name != "parameter" or not _is_vector(node) or node.name in graph.outputs:
            continue
        key = str(node.op.attributes()["key"])
        owners = {user.name: _owner(user, numbers[key]) for user in users[node.name]}
        if len(set(owners.values())) < 2:
            continue
        for user in users[node.name]:
            owner = owners[user.name]
            stem = _stem(node, user, key)
            if not owner or stem == key or (node.name, user.name) in renamed:
                continue
            name = _fresh(stem, taken)
            same = next((c for c in copies.get(node.name, []) if c.path == owner and user.path), None)
            if same is not None:
                renamed[node.name, user.name] = same.name
                continue
            numbers[name] = numbers[key]
            taken.add(name)
            copy = replace(node, op=node.op.replace(key=name), results=(name,), path=owner)
            copies.setdefault(node.name, []).append(copy)
            renamed[node.name, user.name] = name
    if not renamed:
        return Joined(graph, arrays)
    nodes: list[Node] = []
    for node in graph.nodes:
        operands = tuple(renamed.get((name, node.name), name) for name in node.operands)
        nodes.append(replace(node, operands=operands) if operands != node.operands else node)
        nodes += [replace(copy, path="") for copy in copies.get(node.name, [])]
    return Joined(graph.with_nodes(nodes), numbers)


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
