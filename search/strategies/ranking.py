"""Trials by how well they did: who can be a parent, who is best, how accurate a trial is as a share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..engine import Trial


def usable(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that can be parents, in their order."""
    return [trial for trial in trials if trial.usable and trial.module is not None and trial.score is not None]


def score_of(trial: Trial) -> float:
    """Return the score of a trial; minus infinity where there is none."""
    return -math.inf if trial.score is None or math.isnan(trial.score) else trial.score


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best score, the earliest of equals."""
    return max(trials, key=lambda trial: (score_of(trial), -trial.number))


def accuracy_of(trial: Trial) -> float:
    """Return the accuracy of a trial as a share: the metric ``accuracy``, else the score.

    Values above 1 are per cent. A score that is no accuracy (of a predictor or a proxy) is squashed to a share: its
    order is what counts.
    """
    value = trial.metrics.get("accuracy", score_of(trial))
    if "accuracy" not in trial.metrics and not 0 <= value <= 100:
        return 1 / (1 + math.exp(-max(min(value, 50.0), -50.0)))
    return value / 100 if value > 1 else value
