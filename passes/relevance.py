"""Relevance: how much each layer contributes to the predicted performance (algorithm 2 of the NAS-Assist thesis).

Each layer is masked in turn, the network is scored again, and the baseline less that score, divided by the largest
such difference, is the layer's relevance: from -1 to 1, positive where the layer helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import Graph, Loc, Module, Node, checked
from .inlining import Expansion, expand
from .layers import layers

Score = Callable[[Module, Sequence[frozenset[str]]], Sequence[float]]
Place = tuple[str, str]
DIGITS = 4


@dataclass(frozen=True)
class Relevance:
    """Note the relevance of every layer at its nodes.

    ``score(flat_module, masks)`` returns one score for each set of masked nodes; it is called once, the first set
    is empty. Differences are divided by the largest one without regard to sign (all are 0 where nothing matters),
    so signs are kept, as in figure 2.1 of the thesis. In an outlined module the node of a block gets the mean
    over the places where the block runs, and a call gets what masking all its nodes at once makes. ``top`` keeps
    only the notes of that many nodes, those with the largest values.
    """

    name: ClassVar[str] = "relevance"
    score: Score
    top: int | None = None

    def __call__(self, module: Module) -> Module:
        """Return the module with notes. Raises NascError where it does not check."""
        expansion = expand(module)
        masks, places = _masks(expansion)
        scores = self.score(expansion.module, [frozenset[str](), *masks])
        values = normalised([scores[0] - score for score in scores[1:]])
        found = _by_place(values, places)
        kept = _largest(found, self.top)
        typed = checked(module)
        return replace(typed, graphs=tuple(_annotated(graph, kept) for graph in typed.graphs))


def normalised(differences: Sequence[float]) -> list[float]:
    """Return differences divided by the largest without regard to sign; all 0 where that is 0."""
    largest = max((abs(value) for value in differences), default=0.0)
    return [value / largest if largest else 0.0 for value in differences]


@dataclass(frozen=True, slots=True)
class RelevanceRow:
    """One line of the relevance table: a layer of a graph, its op, its place in the source and its relevance."""

    layer: str
    op: str
    relevance: float
    graph: str
    node: str
    loc: Loc | None = None

    def as_json(self) -> dict[str, object]:
        """Return the row as plain data."""
        row: dict[str, object] = {
            "graph": self.graph,
            "layer": self.layer,
            "node": self.node,
            "op": self.op,
            "relevance": self.relevance,
        }
        return {**row, "loc": str(self.loc)} if self.loc else row


def relevance_table(module: Module) -> list[RelevanceRow]:
    """Return a row for each layer with relevance, graph by graph in the order of the nodes.

    Nodes with one path and one value are one row, known by the first of them.
    """
    rows: dict[tuple[str, str, float], RelevanceRow] = {}
    for graph in module.graphs:
        prefix = "" if graph.name == module.entry else f"@{graph.name} "
        for node in graph.nodes:
            value = node.notes.get("relevance")
            if not isinstance(value, int | float):
                continue
            layer = f"{prefix}{node.path or node.name}"
            row = RelevanceRow(layer, _op(node), float(value), graph.name, node.name, node.loc)
            rows.setdefault((graph.name, layer, float(value)), row)
    return list(rows.values())


def _op(node: Node) -> str:
    callee = getattr(node.op, "callee", None)
    return f"@{callee}" if isinstance(callee, str) else node.op.name


def _masks(expansion: Expansion) -> tuple[list[frozenset[str]], list[list[Place]]]:
    """Return what to mask: each layer and each call; and the nodes that each mask speaks for."""
    masks: list[frozenset[str]] = []
    places: list[list[Place]] = []
    for layer in layers(expansion.module.main):
        masks.append(frozenset(layer.nodes))
        places.append([expansion.origins[name][-1] for name in layer.nodes])
    for trail, nodes in _calls(expansion).items():
        masks.append(frozenset(nodes))
        places.append([trail[-1]])
    return masks, places


def _calls(expansion: Expansion) -> dict[tuple[Place, ...], list[str]]:
    calls: dict[tuple[Place, ...], list[str]] = {}
    for name, origin in expansion.origins.items():
        for depth in range(1, len(origin)):
            calls.setdefault(origin[:depth], []).append(name)
    return calls


def _by_place(values: Sequence[float], places: Sequence[Sequence[Place]]) -> dict[Place, float]:
    """Return the mean value of each node over all masks that speak for it."""
    collected: dict[Place, list[float]] = {}
    for value, spoken_for in zip(values, places, strict=True):
        for place in dict.fromkeys(spoken_for):
            collected.setdefault(place, []).append(value)
    return {place: round(sum(found) / len(found), DIGITS) for place, found in collected.items()}


def _largest(values: dict[Place, float], top: int | None) -> dict[Place, float]:
    if top is None:
        return values
    order = sorted(values, key=lambda place: -abs(values[place]))
    return {place: values[place] for place in order[:top]}


def _annotated(graph: Graph, values: dict[Place, float]) -> Graph:
    nodes: list[Node] = []
    for node in graph.nodes:
        notes = {key: value for key, value in node.notes.items() if key != "relevance"}
        place = (graph.name, node.name)
        if place in values:
            notes["relevance"] = values[place]
        nodes.append(node if notes == dict(node.notes) else replace(node, notes=notes))
    same = all(a is b for a, b in zip(nodes, graph.nodes, strict=True))
    return graph if same else graph.with_nodes(nodes)
