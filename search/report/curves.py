"""Curves of searches: the best score so far by evaluation, what improved it, and the median of several studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from ..engine import Trial

Step = tuple[int, float]
"""How many evaluations were made, and the best score then."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """A trial that beat all before it: the number of evaluations made with it, and by how much."""

    evaluation: int
    trial: Trial
    gain: float | None


def evaluated(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that were evaluated, in their order: repeats cost nothing and are not among them."""
    return [trial for trial in trials if trial.usable]


def improvements(trials: Sequence[Trial]) -> list[Improvement]:
    """Return the trials that were the best when they were evaluated."""
    found: list[Improvement] = []
    best: float | None = None
    for count, trial in enumerate(evaluated(trials), start=1):
        score = trial.score
        if score is not None and (best is None or score > best):
            found.append(Improvement(count, trial, None if best is None else score - best))
            best = score
    return found


def best_so_far(trials: Sequence[Trial]) -> list[float]:
    """Return the best score after each evaluation."""
    bests: list[float] = []
    for trial in evaluated(trials):
        score = trial.score
        assert score is not None
        bests.append(max(score, bests[-1]) if bests else score)
    return bests


@dataclass(frozen=True, slots=True)
class Band:
    """Several curves as one: after each evaluation the median and the quartiles of those that got so far."""

    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]
    count: int


def band(curves: Sequence[Sequence[float]]) -> Band:
    """Return the median and quartiles of curves; a curve that ended early counts on with its last value."""
    filled = [curve for curve in curves if curve]
    length = max(map(len, filled), default=0)
    rows = [[curve[min(i, len(curve) - 1)] for curve in filled] for i in range(length)]
    cuts = [_quartiles(row) for row in rows]
    low, middle, high = (tuple(cut[i] for cut in cuts) for i in range(3))
    return Band(low, middle, high, len(filled))


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high
