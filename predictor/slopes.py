"""The linear part of the score: slopes of statistics, with signs that are known beforehand.

Slopes are of differences within a family: how two families compare is not known, so each has its own offset. On large
images (ImageNet) sizes count otherwise than on small ones: parameters and the share of pointwise layers more, the
number of layers that mix positions less.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .statistics import NAMES

Floats = NDArray[np.float64]
SMALL, LARGE, BOTH = "small", "large", "both"


@dataclass(frozen=True, slots=True)
class Slope:
    """What a statistic adds to the score on some images: its sign, and the slope without any data."""

    statistic: str
    images: str
    sign: int
    prior: float


SLOPES = (
    Slope("log10 params", SMALL, 1, 0.0),
    Slope("log10 MACs", SMALL, 1, 0.5),
    Slope("log10 outputs", SMALL, 1, 2.0),
    Slope("mixing layers", SMALL, 1, 0.0),
    Slope("longest path, mixing", SMALL, 1, 0.5),
    Slope("log10 params", LARGE, 1, 1.3),
    Slope("log10 MACs", LARGE, 1, 0.4),
    Slope("log10 outputs", LARGE, 1, 0.4),
    Slope("pointwise share", LARGE, 1, 0.6),
    Slope("mean width", LARGE, 1, 0.3),
    Slope("pools on mean path", BOTH, -1, -0.4),
    Slope("fewest pools", BOTH, -1, -0.3),
)
"""The priors are round numbers: for large images of the size that fits over all such families gave, for small ones
chosen by ranks zero-shot from nb101 and with one family left out, in which nb201 never counted.
"""

FIXED = MappingProxyType({"norm share": 0.5, "activation share": 0.5})
"""Slopes that are not learned: benchmarks hardly leave norms and activations out, so no data prices them."""

PENALTIES = MappingProxyType({"unbroken depth": 2.0, "narrowness": 0.5, "linearity": 2.0, "blindness": 0.5})
"""What a unit of a flaw costs, not learned either: benchmarks hardly hold such networks."""

RIDGE = 0.03


def design(x: Floats, large: Floats) -> Floats:
    """Return what slopes multiply, [n, len(SLOPES)], of statistics [n, s] and whether images are large [n]."""
    parts = {SMALL: 1 - large, LARGE: large, BOTH: np.ones_like(large)}
    return np.stack([x[:, NAMES.index(s.statistic)] * parts[s.images] for s in SLOPES], axis=1)


def fixed(x: Floats) -> Floats:
    """Return what the slopes that are not learned add [n] to networks of statistics [n, s]."""
    gains = [slope * (x[:, NAMES.index(name)] - 1) for name, slope in FIXED.items()]
    result: Floats = np.sum(gains + [-cost * x[:, NAMES.index(name)] for name, cost in PENALTIES.items()], axis=0)
    return result


def centred(values: Floats, weights: Floats, groups: NDArray[np.intp]) -> Floats:
    """Return values [n, ...] less the weighted mean of their group."""
    totals = np.bincount(groups, weights)
    columns = values.reshape(len(values), -1)
    means = [np.bincount(groups, weights * column) / totals for column in columns.T]
    return (columns - np.stack(means, axis=1)[groups]).reshape(values.shape)


def fit_slopes(inputs: Floats, targets: Floats, weights: Floats, groups: NDArray[np.intp]) -> Floats:
    """Return the slopes of least squares within groups, of the known signs (Lawson and Hanson, 1974), near the priors.

    ``inputs`` [n, k] are of :func:`design`; ``weights`` [n] sum up to 1.
    """
    from scipy.optimize import nnls

    root = np.sqrt(weights)
    signs = np.array([s.sign for s in SLOPES], dtype=np.float64)
    priors = np.array([s.prior for s in SLOPES]) * signs
    rows = centred(inputs, weights, groups) * root[:, None] * signs
    ridge = np.sqrt(RIDGE) * np.eye(len(signs))
    wanted = np.concatenate([centred(targets, weights, groups) * root, np.sqrt(RIDGE) * priors])
    found, _ = nnls(np.concatenate([rows, ridge]), wanted)
    result: Floats = found * signs
    return result
