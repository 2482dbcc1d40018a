"""Pareto fronts and crowding: which trials are worth keeping where several things count.

Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002, section III-B.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .trial import Trial

SMALLER = frozenset({"params", "macs", "latency"})
"""Metrics that are better where they are smaller, without ``min:`` before their name."""

Point = tuple[float, ...]


def objectives_of(trial: Trial, objectives: Sequence[str]) -> Point | None:
    """Return a trial's objectives, smaller is better; None where it is no parent or one was not measured."""
    if not trial.usable:
        return None
    values: list[float] = []
    for objective in objectives:
        name = objective.removeprefix("min:")
        if name not in trial.metrics:
            return None
        smaller = name != objective or name in SMALLER
        values.append(trial.metrics[name] if smaller else -trial.metrics[name])
    return tuple(values)


def front(trials: Sequence[Trial], objectives: Sequence[str]) -> tuple[Trial, ...]:
    """Return the trials that no other one beats in all objectives, the least crowded first, then the oldest."""
    placed = [(trial, found) for trial in trials if (found := objectives_of(trial, objectives)) is not None]
    points = [found for _, found in placed]
    if not points:
        return ()
    first = nondominated(points)
    lonely = dict(zip(first, crowding([points[index] for index in first]), strict=True))
    return tuple(placed[index][0] for index in sorted(first, key=lambda index: (-lonely[index], index)))


def nondominated(points: Sequence[Point]) -> list[int]:
    """Return the indices of the points that no other one dominates, in order. Smaller is better.

    In the order of the points themselves whatever dominates a point comes before it, so each is held against the front
    so far alone; equal points do not dominate each other.
    """
    found: list[Point] = []
    for point in sorted(set(points)):
        if not any(dominates(other, point) for other in found):
            found.append(point)
    kept = set(found)
    return [index for index, point in enumerate(points) if point in kept]


def dominates(first: Point, second: Point) -> bool:
    """Return whether a point is nowhere worse than another and somewhere better. Smaller is better."""
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def crowding(points: Sequence[Point]) -> list[float]:
    """Return for each point of a front how far its neighbours are, in units of the range; infinite at the ends."""
    distances = [0.0] * len(points)
    for axis in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda index: (points[index][axis], index))
        low, high = points[order[0]][axis], points[order[-1]][axis]
        distances[order[0]] = distances[order[-1]] = math.inf
        if high == low:
            continue
        for before, index, after in zip(order, order[1:], order[2:], strict=False):
            distances[index] += (points[after][axis] - points[before][axis]) / (high - low)
    return distances
