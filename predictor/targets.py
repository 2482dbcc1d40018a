"""Targets that do not depend on a family's scale, and the way from scores back to accuracies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
QUANTILES = (0.002, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 0.998)


def normal_scores(values: Floats) -> Floats:
    """Return the normal quantile of each value's rank: mean 0 and deviation 1 whatever the values' scale."""
    from scipy.stats import norm, rankdata

    result: Floats = norm.ppf((rankdata(values) - 0.5) / len(values))
    return result


def knots(scores: Floats, accuracy: Floats) -> tuple[tuple[float, float], ...]:
    """Return pairs of score and logit of accuracy, quantile by quantile, rising strictly in both."""
    x = np.quantile(scores, QUANTILES)
    a = np.clip(np.quantile(accuracy, QUANTILES), 0.01, 0.999)
    y = np.log(a / (1 - a))
    rise = np.arange(len(x)) * 1e-3
    return tuple(
        (float(s), float(v))
        for s, v in zip(np.maximum.accumulate(x) + rise, np.maximum.accumulate(y) + rise, strict=True)
    )
