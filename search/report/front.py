"""The Pareto front of a cost and the score, as the report draws it."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine import Trial
from .curves import evaluated


def front(trials: Sequence[Trial], cost: str) -> list[Trial]:
    """Return the evaluated trials that no other beats in both, cheapest first; ``cost`` is a metric, less is better."""
    priced = [trial for trial in evaluated(trials) if cost in trial.metrics]
    found: list[Trial] = []
    for trial in sorted(priced, key=lambda one: (one.metrics[cost], -(one.score or 0.0), one.number)):
        if not found or (trial.score or 0.0) > (found[-1].score or 0.0):
            found.append(trial)
    return found
