"""A ranker of other families, told of a few labelled networks of the family that it is to rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .datasets import Dataset, Score
from .gaussian_process import GaussianProcess, Kernel
from .targets import normal_scores

LABELS = 50
Floats = NDArray[np.float64]

KERNELS = tuple(Kernel(length, linear=0.3) for length in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0))
"""Lengths are in deviations of a statistic."""
NOISES = tuple(1 / strength for strength in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0))


def adapt(score: Score, shown: Dataset) -> Score:
    """Return a Gaussian process over the shown networks whose mean is the score, rescaled.

    Its kernel is squared exponential plus linear over standardised statistics.
    """
    mean, spread = shown.x.mean(axis=0), shown.x.std(axis=0)
    used = spread > 1e-6

    def inputs(sample: Dataset) -> Floats:
        z = (sample.x[:, used] - mean[used]) / spread[used]
        result: Floats = z / np.sqrt(max(z.shape[1], 1))
        return result

    targets = normal_scores(shown.labels[:, 0])
    known = GaussianProcess.fitted(inputs(shown), score(shown), targets, KERNELS, NOISES)
    return lambda sample: known.mean(inputs(sample), score(sample))
