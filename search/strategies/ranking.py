"""Trials by how well they did: who can be a parent, who is best, how accurate trials are as shares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..engine import Trial


def usable(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that can be parents, in their order; none of their networks is read for that."""
    return [trial for trial in trials if trial.usable]


def score_of(trial: Trial) -> float:
    """Return the score of a trial; minus infinity where there is none."""
    return -math.inf if trial.score is None or math.isnan(trial.score) else trial.score


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best score, the earliest of equals."""
    return max(trials, key=lambda trial: (score_of(trial), -trial.number))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of trials as a share: the metric ``accuracy``, else the score, from ``low`` on in units of ``unit``.

    Shares stay shares and per cent become shares. Scores that are neither (of a predictor or a proxy) are spread over
    0.1 to 0.9 in their order, which is all that such scores say. Which of these it is, all trials decide together.
    """

    low: float = 0.0
    unit: float = 1.0

    @classmethod
    def among(cls, trials: Iterable[Trial]) -> Accuracy:
        """Return how the trials of a study that have a score are read."""
        values = [_measured(trial) for trial in trials if trial.usable]
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low < 0 or high > 100:
            unit = (high - low) / 0.8 or 1.0
            return cls(low - 0.1 * unit, unit)
        return cls(0.0, 1.0 if high <= 1 else 100.0)

    def __call__(self, trial: Trial) -> float:
        """Return the accuracy of a trial."""
        return (_measured(trial) - self.low) / self.unit


def _measured(trial: Trial) -> float:
    return trial.metrics.get("accuracy", score_of(trial))
