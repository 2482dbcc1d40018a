"""Weisfeiler-Lehman colours: what the graph looks like from a vertex, up to its inputs and down to its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .dag import Dag, Vocabulary


@dataclass(frozen=True)
class Whole:
    """The colour of everything above each vertex, and of everything below it."""

    up: Sequence[int]
    down: Sequence[int]


def whole(dag: Dag, vocabulary: Vocabulary) -> Whole:
    """Return the colours of the whole graph above and below each vertex, in one sweep each way."""
    up: list[int] = []
    for vertex, label in enumerate(dag.labels):
        seen = sorted((tag, up[source]) for source, tag in dag.preds[vertex])
        up.append(vocabulary.number(("up", label, *seen)))
    down = [0] * len(dag)
    for vertex in range(len(dag) - 1, -1, -1):
        seen = sorted((tag, down[user]) for user, tag in dag.succs[vertex])
        down[vertex] = vocabulary.number(("down", dag.labels[vertex], *seen))
    return Whole(up, down)


@dataclass
class Local:
    """Colours of some vertices at growing radius: ``up[v][r]`` looks r steps up, ``down[v][r]`` r steps down."""

    up: dict[int, list[int]]
    down: dict[int, list[int]]


def local(dag: Dag, vertices: Iterable[int], pairs: Sequence[int], radius: int, vocabulary: Vocabulary) -> Local:
    """Return the colours of unmatched vertices; ``pairs`` numbers the matched ones, -1 for those that are not."""
    vertices = list(vertices)
    found = Local({v: [dag.labels[v]] for v in vertices}, {v: [dag.labels[v]] for v in vertices})
    for step in range(radius):
        for colours, edges, way in ((found.up, dag.preds, "up"), (found.down, dag.succs, "down")):
            for vertex in vertices:
                seen = sorted(
                    (tag, -1 - pairs[other] if pairs[other] >= 0 else colours[other][step])
                    for other, tag in edges[vertex]
                )
                colours[vertex].append(vocabulary.number((way, step, dag.labels[vertex], *seen)))
    return found


def agreement(one: Sequence[int] | None, other: Sequence[int] | None) -> int:
    """Return how many steps two vertices look alike."""
    if one is None or other is None:
        return 0
    steps = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        steps += 1
    return steps
