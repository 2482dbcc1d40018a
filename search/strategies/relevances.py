"""Which part of a network holds it back: relevance (Algorithm 2 of the NAS-Assist thesis), summed over spots."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Graph, Module, NascError
from ..engine import Spot
from ..focus import relevance_of, run_counts
from ..judging import annotated


def with_relevance(module: Module) -> Module:
    """Return a network with the relevance of its layers noted, as the shipped predictor sees it."""
    from ...predictor import Predictor

    return annotated(module, Predictor.load())


def by_potential(module: Module, spots: Sequence[Spot]) -> list[Spot]:
    """Return spots by how much could be gained there: what hurts most first, then what helps least.

    The potential of a spot is the sum of the negative relevance of its nodes, times how often they run.
    """
    return sorted(spots, key=lambda spot: _rank(module, spot))


def relevance_line(module: Module, spot: Spot) -> str:
    """Return the relevance of a spot in words; empty where it has no nodes."""
    values = _values(module, spot)
    return f"The relevance of {spot.name} is {sum(values):+.2f}." if values else ""


def _rank(module: Module, spot: Spot) -> tuple[float, float]:
    values = _values(module, spot)
    hurts = sum(max(0.0, -value) for value in values)
    return (-hurts, sum(values))


def _values(module: Module, spot: Spot) -> list[float]:
    """Return the relevance of a spot's nodes, times how often each runs."""
    graph = _graph(module, spot)
    if graph is None:
        return []
    runs = run_counts(module)[graph.name]
    names = set(spot.nodes)
    return [relevance_of(node) * runs for node in graph.nodes if node.name in names or not names]


def _graph(module: Module, spot: Spot) -> Graph | None:
    """Return the graph that a spot names, or the one that has its nodes."""
    name = spot.name.partition(":")[0]
    try:
        return module.graph(name)
    except NascError:
        holding = (graph for graph in module.graphs if spot.nodes and set(spot.nodes) <= set(graph.value_names()))
        return next(holding, None)
