"""The semantic diff of a candidate to its parent, block by block, with the relevance of what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean

from ...ir import Graph, Module
from ...ir.graph import NO_NOTES
from ...passes.diffing import Difference, Entry, diff, sections, summary


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of the diff: its kind, the layer, what was done, and the relevance of the layer where it is known.

    The relevance of what was inserted is that in the child, of everything else that in the parent.
    """

    kind: str
    layer: str
    text: str
    relevance: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """The edits of some blocks: their name, the class of the first, how many blocks there are."""

    blocks: str
    cls: str
    count: int
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from a parent: a line that counts it, and the parts."""

    summary: str
    parts: tuple[Part, ...]


def compare(before: Module, after: Module) -> Comparison:
    """Return what differs between two networks.

    Where both consist of the same blocks called the same way, each block is compared with its namesake: an edit of a
    block that runs fifteen times is one edit. Otherwise the flat networks are compared. Raises NascError.
    """
    known, bare = (before, after), (without_notes(before), without_notes(after))
    shared = _changed_blocks(*bare)
    found = [("", diff(*bare))] if shared is None else list(_by_block(*bare, shared))
    parts = [part for name, difference in found for part in _parts(name, difference, *known)]
    counted = [f"@{name}: {summary(each)}" if name else summary(each) for name, each in found if not each.equal]
    return Comparison("; ".join(counted) or "the same network", tuple(parts))


def _changed_blocks(before: Module, after: Module) -> list[str] | None:
    """Return the names of the blocks that differ; None where the networks can only be compared flat."""
    one, other = ({graph.name: graph for graph in module.graphs} for module in (before, after))
    if set(one) != set(other) or before.entry != after.entry or len(one) == 1:
        return None
    names = [name for name in one if one[name] != other[name]]
    if any(_calls(one[name]) or _calls(other[name]) or name == before.entry for name in names):
        return None
    return names if all(_face(one[name]) == _face(other[name]) for name in names) else None


def _calls(graph: Graph) -> bool:
    return any(hasattr(node.op, "callee") for node in graph.nodes)


def _face(graph: Graph) -> tuple[object, ...]:
    return graph.symbols, tuple(value.type for value in graph.inputs), len(graph.outputs)


def _by_block(before: Module, after: Module, names: Sequence[str]) -> Iterator[tuple[str, Difference]]:
    for name in names:
        yield name, _of_blocks(before.graph(name), after.graph(name))


@lru_cache(maxsize=4096)
def _of_blocks(before: Graph, after: Graph) -> Difference:
    return diff(Module((before,), before.name), Module((after,), after.name))


def _parts(name: str, difference: Difference, before: Module, after: Module) -> Iterator[Part]:
    known = _relevance(before, name), _relevance(after, name)
    for section in sections(difference):
        edits = tuple(
            Edit(line.kind, line.layer, line.text, _mean(entries, known))
            for line, entries in zip(section.lines, section.entries, strict=True)
        )
        title = f"@{name} {section.blocks}".strip() if name else section.blocks
        yield Part(title, section.cls, section.count, edits)


def _relevance(module: Module, name: str) -> dict[str, float]:
    """Return the relevance of the layers of a graph by path, and of nodes by name."""
    graphs = [module.graph(name)] if name else module.graphs
    found: dict[str, float] = {}
    for node in (node for graph in graphs for node in graph.nodes):
        value = node.notes.get("relevance")
        if isinstance(value, int | float):
            found[node.path or node.name] = float(value)
    return found


def _mean(entries: Sequence[Entry], known: tuple[Mapping[str, float], Mapping[str, float]]) -> float | None:
    values: list[float] = []
    for entry in entries:
        place, table = (entry.after, known[1]) if entry.before is None else (entry.before, known[0])
        value = None if place is None else _found(table, place.path or place.name)
        values += [] if value is None else [value]
    return mean(values) if values else None


def _found(table: Mapping[str, float], path: str) -> float | None:
    """Return the relevance of a layer of the flat network: its own, or that of the same layer of a block."""
    while path not in table and "." in path:
        path = path.partition(".")[2]
    return table.get(path)


def without_notes(module: Module) -> Module:
    """Return a module without what passes and edits noted at its nodes; the same object where there is nothing."""
    if not any(node.notes for graph in module.graphs for node in graph.nodes):
        return module
    graphs = (graph.with_nodes(replace(node, notes=NO_NOTES) for node in graph.nodes) for graph in module.graphs)
    return replace(module, graphs=tuple(graphs))
