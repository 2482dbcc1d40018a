"""The places of a module that a search may change: graphs, and in the entry the stem and what makes it smaller."""

from __future__ import annotations

from ...ir import Graph, Module, NascError
from ..candidates import WIDTH_MAKERS
from ..engine import Spot
from ..focus import places

_ENTRY_PARTS = ("stem", "downsample")


def spots_of(module: Module) -> tuple[Spot, ...]:
    """Return a spot a graph, the largest potential first, then the parts of the entry: ``main: stem``."""
    found = [Spot(place.graph, place.nodes) for place in places(module)]
    entry = next((spot for spot in found if spot.name == module.entry), None)
    if entry is not None:
        found += _parts(module.main, entry)
    return tuple(found)


def graph_of(module: Module, spot: Spot | None) -> Graph:
    """Return the graph that a spot lies in, the entry without one. Raises NascError where it is gone."""
    name = spot.name.partition(":")[0] if spot else module.entry
    if not module.has(name):
        raise NascError.of(f"there is no graph @{name} any more", "take one of the spots of this network", "no-spot")
    return module.graph(name)


def _parts(graph: Graph, entry: Spot) -> list[Spot]:
    known = set(entry.nodes)
    found = dict(zip(_ENTRY_PARTS, (_stem(graph), _downsampling(graph)), strict=True))
    kept = {part: tuple(name for name in names if name in known) for part, names in found.items()}
    return [Spot(f"{graph.name}: {part}", names) for part, names in kept.items() if 0 < len(names) < len(entry.nodes)]


def _stem(graph: Graph) -> list[str]:
    """Return the nodes up to the second layer with a width of its own."""
    names: list[str] = []
    layers = 0
    for node in graph.nodes:
        layers += node.op.name in WIDTH_MAKERS
        if layers == 2:
            break
        names.append(node.name)
    return names


def _downsampling(graph: Graph) -> list[str]:
    """Return the nodes that slide a window in steps of more than 1."""
    return [node.name for node in graph.nodes if _strides(node.op)]


def _strides(op: object) -> bool:
    stride = getattr(op, "stride", 1)
    if stride is None:
        stride = getattr(op, "kernel_size", 1)
    steps: tuple[object, ...] = tuple(stride) if isinstance(stride, tuple) else (stride,)
    return any(isinstance(step, int) and step > 1 for step in steps)
