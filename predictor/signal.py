"""How alike two inputs become on their way through a network at initialisation: a statistic without training.

Mean-field theory of wide random networks (Poole et al. 2016; arc-cosine kernel of Cho and Saul 2009): a rectifier
maps the correlation c of two inputs to ``(sqrt(1 - c^2) + c (pi - arccos c)) / pi``, a normalised layer sets the
variance to 1, a sum adds the covariances of its branches. So skips keep inputs apart and long plain chains do not.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from .kinds import Kind
from .layout import ACTIVATION, CHANNELS, POSITIONS, Layout

START = 0.5
"""Correlation of the two inputs."""

POOLED = 0.6
"""Share of the variance that a pooling of the same resolution leaves."""


def collapse(layout: Layout) -> float:
    """Return ``-log(1 - c)`` of the correlation c of two inputs at the output; 0.69 where nothing bends it."""
    before, channels = layout.before, layout.numbers[:, CHANNELS]
    variance, alike = np.ones(len(layout.kinds)), np.full(len(layout.kinds), START)
    for i, sources in enumerate(layout.sources):
        kind = layout.kinds[i]
        if sources:
            variance[i], alike[i] = _joined(kind == Kind.CAT, list(sources), variance, alike, channels)
        if kind in (Kind.CONV, Kind.ATTENTION):
            variance[i] = 1.0
        elif kind in (Kind.AVG_POOL, Kind.MAX_POOL) and before[i] <= layout.numbers[i, POSITIONS]:
            variance[i] *= POOLED
        if layout.numbers[i, ACTIVATION] or kind == Kind.ACTIVATION:
            alike[i] = _rectified(float(alike[i]))
    return float(-np.log(1 - alike[-1] + 1e-6))


def _joined(
    concatenated: bool,
    sources: list[int],
    variance: NDArray[np.float64],
    alike: NDArray[np.float64],
    channels: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the variance and correlation of branches, added or laid side by side."""
    weights = variance[sources] * (channels[sources] if concatenated else 1.0)
    total = float(weights.sum())
    mixed = float((weights * alike[sources]).sum() / total)
    return (total / max(float(channels[sources].sum()), 1.0) if concatenated else total), mixed


def _rectified(c: float) -> float:
    c = min(max(c, -1.0), 1.0)
    return float((np.sqrt(1 - c * c) + c * (pi - np.arccos(c))) / pi)
