"""Regions: the parts of a graph that one submodule of the source model computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise

from ...ir import CallBlock, Dim, Graph, Node, Op, TensorType, attributes_of
from ...ir.ops.source import Constant, Parameter

JOINS = frozenset({"cat", "stack"})
Signature = tuple[object, ...]


@dataclass(frozen=True)
class Region:
    """Nodes of one submodule, with the values that they read from outside and make for outside."""

    path: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def relative(self, name: str) -> str:
        """Return a path or key below this region without the region's own path."""
        return name[len(self.path) :].lstrip(".") if name.startswith(self.path) else name


class Finder:
    """Finds the regions of a graph by path; made once a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users: dict[str, list[int]] = {}
        self.maker: dict[str, int] = {}
        self.by_path: dict[str, list[int]] = {}
        self.outputs = frozenset(graph.outputs)
        for index, node in enumerate(graph.nodes):
            for operand in node.operands:
                self.users.setdefault(operand, []).append(index)
            self.maker.update(dict.fromkeys(node.results, index))
            for prefix in prefixes(node.path) if node.operands else ():
                self.by_path.setdefault(prefix, []).append(index)

    def regions(self, path: str) -> list[Region]:
        """Return the region of a path; one for each time that it runs where its runs do not belong together."""
        indices = self.by_path.get(path, [])
        if not indices:
            return []
        if self._is_convex(indices):
            return [self.region(path, indices)]
        runs = [run for run in self._runs(indices) if self._is_convex(run)]
        return [self.region(path, run) for run in runs]

    def region(self, path: str, indices: Sequence[int]) -> Region:
        """Return the region of these nodes and of the parameters that only they read."""
        chosen = set(indices)
        for index in indices:
            for operand in self.graph.nodes[index].operands:
                made = self.maker.get(operand)
                if made is not None and made not in chosen and self._belongs(made, path, chosen):
                    chosen.add(made)
        nodes = [self.graph.nodes[index] for index in sorted(chosen)]
        made_here = {result for node in nodes for result in node.results}
        read = dict.fromkeys(name for node in nodes for name in node.operands if name not in made_here)
        given = [name for node in nodes for name in node.results if self._is_read_outside(name, chosen)]
        return Region(path, tuple(nodes), tuple(read), tuple(given))

    def without_join(self, region: Region) -> Region | None:
        """Return the region less a first node that only joins values from outside; None where there is none."""
        first = next((node for node in region.nodes if node.operands), None)
        if first is None or first.op.name not in JOINS or not set(first.operands) <= set(region.inputs):
            return None
        rest = [self.maker[node.name] for node in region.nodes if node is not first and node.operands]
        return self.region(region.path, rest) if rest else None

    def _belongs(self, source: int, path: str, chosen: set[int]) -> bool:
        node = self.graph.nodes[source]
        if node.operands or any(name in self.outputs for name in node.results):
            return False
        inside = not isinstance(node.op, Parameter | Constant) or node.op.key.startswith(f"{path}.")
        return inside and all(user in chosen for name in node.results for user in self.users.get(name, ()))

    def _is_read_outside(self, name: str, chosen: set[int]) -> bool:
        return name in self.outputs or any(user not in chosen for user in self.users.get(name, ()))

    def _is_convex(self, indices: Sequence[int]) -> bool:
        chosen, after = set(indices), set[str]()
        for index in range(indices[0], indices[-1] + 1):
            node = self.graph.nodes[index]
            reads_after = not after.isdisjoint(node.operands)
            if index in chosen and reads_after:
                return False
            if index not in chosen and (reads_after or any(self.maker.get(o) in chosen for o in node.operands)):
                after.update(node.results)
        return True

    def _runs(self, indices: Sequence[int]) -> list[list[int]]:
        runs: list[list[int]] = [[indices[0]]]
        for before, index in pairwise(indices):
            between = self.graph.nodes[before + 1 : index]
            if any(node.operands for node in between):
                runs.append([])
            runs[-1].append(index)
        return runs


def prefixes(path: str) -> list[str]:
    """Return a dotted path and all paths above it, the root left out."""
    parts = path.split(".") if path else []
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def heights(graph: Graph) -> dict[str, int]:
    """Return every path of a graph with the number of levels below it."""
    found: dict[str, int] = {}
    for path in dict.fromkeys(node.path for node in graph.nodes if node.operands):
        above = prefixes(path)
        for level, prefix in enumerate(reversed(above)):
            found[prefix] = max(found.get(prefix, 0), level)
    return found


def signature(region: Region, types: Mapping[str, TensorType]) -> Signature:
    """Return what regions must share to become one block: everything but the integers of sizes."""
    numbers = {name: i for i, name in enumerate(region.inputs)}
    parts: list[object] = [(types[name].dtype, *map(shape_of, types[name].shape)) for name in region.inputs]
    for node in region.nodes:
        operands = tuple(numbers[name] for name in node.operands)
        for result in node.results:
            numbers[result] = len(numbers)
        parts.append((node.op.name, *_attributes(node.op, region), operands, region.relative(node.path)))
        parts.append(tuple(t.dtype for t in node.types))
    parts.append(tuple(numbers[name] for name in region.outputs))
    return tuple(parts)


def sizes(op: Op) -> dict[str, tuple[Dim, ...]]:
    """Return the attributes of an op that may differ between instances of a block, each as a tuple of sizes."""
    if isinstance(op, CallBlock):
        return {name: (value,) for name, value in op.arguments}
    found: dict[str, tuple[Dim, ...]] = {}
    for name, kind in attributes_of(type(op)).items():
        value = getattr(op, name)
        if kind.kind == "dim" and value is not None:
            found[name] = (value,)
        elif kind.kind == "dims" and value is not None:
            found[name] = value
    return found


def shape_of(dim: Dim) -> object:
    """Return a size with its positive integers left open."""
    if isinstance(dim, int):
        return "" if dim >= 0 else dim
    return tuple((str(monomial), coefficient >= 0 or coefficient) for monomial, coefficient in dim.terms)


def _attributes(op: Op, region: Region) -> list[object]:
    open_ones = sizes(op)
    found: list[object] = [(name, *map(shape_of, dims)) for name, dims in open_ones.items()]
    if isinstance(op, CallBlock):
        return [op.callee, *found]
    for name, value in op.attributes().items():
        if name in open_ones:
            continue
        key = isinstance(op, Parameter | Constant) and name == "key"
        found.append((name, region.relative(str(value)) if key else repr(value)))
    return found


def replaced(graph: Graph, calls: Iterable[tuple[Region, Node]]) -> Graph:
    """Return a graph with regions replaced by calls, the other nodes in the order that they had."""
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    gone: set[str] = set()
    nodes: list[tuple[int, Node]] = []
    names: dict[str, str] = {}
    taken = set(graph.value_names())
    for region, call in calls:
        gone.update(node.name for node in region.nodes)
        taken.difference_update(result for node in region.nodes for result in node.results)
        call = replace(call, results=tuple(_fresh(name, taken) for name in call.results))
        names.update(zip(region.outputs, call.results, strict=True))
        nodes.append((place[region.nodes[0].name], call))
    nodes += [(place[node.name], node) for node in graph.nodes if node.name not in gone]
    renamed = [(index, _renamed(node, names)) for index, node in nodes]
    return graph.with_nodes(in_order(renamed), [names.get(name, name) for name in graph.outputs])


def _fresh(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    taken.add(candidate)
    return candidate


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    operands = tuple(names.get(name, name) for name in node.operands)
    return node if operands == node.operands else replace(node, operands=operands)


def in_order(nodes: Sequence[tuple[int, Node]]) -> list[Node]:
    """Return nodes in topological order, lower numbers first; nodes on a cycle are left out."""
    maker = {result: i for i, (_, node) in enumerate(nodes) for result in node.results}
    waits = [len({maker[name] for name in node.operands if name in maker}) for _, node in nodes]
    readers: dict[int, set[int]] = {}
    for i, (_, node) in enumerate(nodes):
        for name in node.operands:
            if name in maker:
                readers.setdefault(maker[name], set()).add(i)
    ready = [(number, i) for i, (number, _) in enumerate(nodes) if not waits[i]]
    heapify(ready)
    order: list[Node] = []
    while ready:
        _, i = heappop(ready)
        order.append(nodes[i][1])
        for reader in readers.get(i, ()):
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, (nodes[reader][0], reader))
    return order
