"""Outlining: regions that repeat become blocks, so that a network reads as a stem, some blocks and their calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from ..ir import CallBlock, Graph, Module, Node, callees, checked
from .inlining import expand_calls, inline, join
from .outlined.block import Block, build
from .outlined.region import Finder, Region, Signature, heights, replaced, signature, sizes

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
CALL_OVERHEAD = 3


@dataclass(frozen=True)
class Outline:
    """Factor repeated parts of the model out as blocks.

    Candidates are the submodules of the source model. Those that are equal but for integers become calls of one
    block, innermost first; the integers that differ become its symbols where the block still type-checks. A
    block has at least ``min_nodes`` nodes and ``min_repeats`` calls, and saves lines; with ``large``, a submodule
    of that many nodes becomes a block even when it occurs once.
    """

    name: ClassVar[str] = "outline"
    min_nodes: int = 3
    min_repeats: int = 2
    large: int | None = None

    def __call__(self, module: Module) -> Module:
        """Return the outlined module, itself where it is outlined already. Raises NascError."""
        flat = inline(module)
        outlined = _Outliner(self, flat).module()
        return module if outlined == module else outlined

    def pays(self, nodes: int, calls: int) -> bool:
        """Return whether a block of so many nodes and calls is worth having."""
        if self.large is not None and nodes >= self.large:
            return True
        saved = nodes * calls - (nodes + calls + CALL_OVERHEAD)
        return calls >= self.min_repeats and nodes >= self.min_nodes and saved > 0


class _Outliner:
    """Outlines one flat module."""

    def __init__(self, options: Outline, flat: Module) -> None:
        self.options = options
        self.flat = flat
        self.blocks: dict[str, Graph] = {}
        self.count = 0

    def module(self) -> Module:
        """Return the outlined module; the flat one where nothing repeats."""
        graph = self.flat.main
        levels = heights(graph)
        for height in sorted(set(levels.values())):
            graph = self._level(graph, [path for path, level in levels.items() if level == height])
        graph = self._expand_small(graph)
        if not self.blocks:
            return self.flat
        graph, blocks = self._named(graph)
        return checked(replace(self.flat, graphs=(graph, *blocks)))

    def _level(self, graph: Graph, paths: Iterable[str]) -> Graph:
        """Replace the regions of these paths, none of which lies in another, by calls where they repeat."""
        finder = Finder(graph)
        types = graph.value_types()
        by_class: dict[str, list[Region]] = {}
        for path in paths:
            cls = class_of(path, graph.scopes)
            if cls not in CONTAINERS:
                by_class.setdefault(cls, []).extend(finder.regions(path))
        groups: dict[Signature, list[Region]] = {}
        names: dict[Signature, str] = {}
        for cls, regions in by_class.items():
            for region in _uniform(regions, finder):
                key = signature(region, types)
                groups.setdefault(key, []).append(region)
                names.setdefault(key, cls)
        calls: list[tuple[Region, Node]] = []
        for key, regions in groups.items():
            for block in self._blocks(names[key], regions, graph):
                calls += block.calls
        return _without_scopes(replaced(graph, calls), calls) if calls else graph

    def _blocks(self, cls: str, regions: Sequence[Region], graph: Graph) -> list[Block]:
        """Return blocks for regions that look alike: one for all if that type-checks, else one for each size."""
        if not self.options.pays(len(regions[0].nodes), len(regions)):
            return []
        name = f"{snake_case(cls)}.{self.count}"
        self.count += 1
        block = build(name, regions, graph, self.blocks)
        if block is not None:
            self.blocks[name] = block.graph
            return [block]
        for key in (_input_sizes, _all_sizes):
            parts = _partition(regions, graph, key)
            if len(parts) > 1:
                return [found for part in parts for found in self._blocks(cls, part, graph)]
        return []

    def _expand_small(self, graph: Graph) -> Graph:
        """Put back every block that does not pay: called from one place only, or too short."""
        while True:
            known: dict[str, Graph] = self.blocks
            counts = _call_counts([graph, *known.values()])
            small = [
                name for name, block in known.items() if not self.options.pays(len(block.nodes), counts.get(name, 0))
            ]
            if not small:
                return graph
            name = min(small, key=lambda n: len(known[n].nodes))
            only = {name: known.pop(name)}
            graph = expand_calls(graph, only)
            self.blocks = {other: expand_calls(block, only) for other, block in known.items()}

    def _named(self, graph: Graph) -> tuple[Graph, list[Graph]]:
        """Give the blocks their final names, in the order in which they are called."""
        order: list[str] = []
        waiting = [graph]
        while waiting:
            for name in callees(waiting.pop(0)):
                if name not in order:
                    order.append(name)
                    waiting.append(self.blocks[name])
        taken = {graph.name}
        names = self._final_names(order, taken)
        blocks = [replace(_recalled(self.blocks[old], names), name=names[old]) for old in order]
        return _recalled(graph, names), blocks

    def _body(self, block: Graph) -> list[Node]:
        """Return the nodes of a block, calls replaced by the nodes of what they call."""
        found: list[Node] = []
        for node in block.nodes:
            if isinstance(node.op, CallBlock):
                inner = self._body(self.blocks[node.op.callee])
                found += [replace(other, path=join(node.path, other.path)) for other in inner]
            else:
                found.append(node)
        return found

    def _final_names(self, order: Sequence[str], taken: set[str]) -> dict[str, str]:
        names: dict[str, str] = {}
        simplest: dict[str, list[Node]] = {}
        bodies = {name: self._body(self.blocks[name]) for name in order}
        for old in sorted(order, key=lambda name: len(bodies[name])):
            stem = old.partition(".")[0]
            base = simplest.setdefault(stem, bodies[old])
            name = stem if base is bodies[old] else _variant(stem, base, bodies[old])
            candidate, count = name, 2
            while candidate in taken:
                candidate, count = f"{name}_{count}", count + 1
            taken.add(candidate)
            names[old] = candidate
        return names


def class_of(path: str, scopes: Mapping[str, str]) -> str:
    """Return the class of a submodule; where it is not known, its own name without numbers."""
    if path in scopes:
        return scopes[path].rpartition(".")[2]
    words = [part.rstrip("0123456789_") for part in path.split(".")]
    return next((word for word in reversed(words) if word), "block")


def snake_case(name: str) -> str:
    """Return a class name as a block's: ``ConvNeXtBlock`` becomes ``conv_next_block``."""
    words = re.findall(r"\d+[a-z]?(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    merged: list[str] = []
    for word in words:
        short = merged and (word[0].isdigit() or (len(word) <= 2 and len(merged[-1]) <= 2))
        if short:
            merged[-1] += word.lower()
        else:
            merged.append(word.lower())
    return "_".join(merged) or "block"


def _uniform(regions: Sequence[Region], finder: Finder) -> list[Region]:
    """Leave the joins that regions of one class begin with outside, where they join different numbers of values."""
    if len({len(region.inputs) for region in regions}) <= 1:
        return list(regions)
    stripped = [finder.without_join(region) for region in regions]
    return [short or region for short, region in zip(stripped, regions, strict=True)]


def _partition(regions: Sequence[Region], graph: Graph, key: object) -> list[list[Region]]:
    types = graph.value_types()
    parts: dict[object, list[Region]] = {}
    for region in regions:
        sizes_of = tuple(types[name] for name in region.inputs)
        full = (sizes_of, *(repr(sizes(node.op)) for node in region.nodes))
        parts.setdefault(sizes_of if key is _input_sizes else full, []).append(region)
    return list(parts.values())


_input_sizes, _all_sizes = "inputs", "all"


def _call_counts(graphs: Iterable[Graph]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for graph in graphs:
        for node in graph.nodes:
            if isinstance(node.op, CallBlock):
                counts[node.op.callee] = counts.get(node.op.callee, 0) + 1
    return counts


def _recalled(graph: Graph, names: Mapping[str, str]) -> Graph:
    nodes = [
        replace(node, op=CallBlock(callee=names[node.op.callee], arguments=node.op.arguments))
        if isinstance(node.op, CallBlock)
        else node
        for node in graph.nodes
    ]
    return graph.with_nodes(nodes)


def _variant(stem: str, base: Sequence[Node], body: Sequence[Node]) -> str:
    """Return a name that says what a block has and the simplest of its class has not."""
    known = {node.path.partition(".")[0] for node in base}
    ops = {node.op.name for node in base}
    extra = next((p for node in body if (p := node.path.partition(".")[0]) not in known), "")
    extra = extra.removesuffix("sample").strip("0123456789_")
    if not extra:
        extra = next((node.op.name for node in body if node.op.name not in ops), "")
        extra = "skip" if extra == "add" else extra
    return f"{stem}_{extra}" if extra.isidentifier() else stem


def _without_scopes(graph: Graph, calls: Iterable[tuple[Region, Node]]) -> Graph:
    """Leave out the classes of submodules that a block now knows."""
    paths = {region.path for region, _ in calls}
    kept = {
        path: cls
        for path, cls in graph.scopes.items()
        if not any(path == above or path.startswith(f"{above}.") for above in paths)
    }
    return replace(graph, scopes=MappingProxyType(kept))
