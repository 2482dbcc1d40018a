"""A Gaussian mixture over embeddings of the networks that were trained on, and how likely another network is in it.

Expectation maximisation with one variance a component and column (thesis, 2.1.3, has one variance for all). A
variance never falls below ``FLOOR``, so that no family is a point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLOOR = 0.05
QUANTILES = 101
TAIL = 1.5
"""How far from training a network is known, see :meth:`Mixture.in_domain`. VGGs lie at 1.3, MLPs at 1.8."""
SECONDARY = 0.2
"""What an axis of the embedding counts for beside a statistic: there are 128 of them, and 24 statistics."""


@dataclass(frozen=True)
class Mixture:
    """``means`` and ``variances`` [q, d], ``weights`` [q]; ``levels`` are quantiles of the log density in training."""

    means: Floats
    variances: Floats
    weights: Floats
    levels: Floats

    @staticmethod
    def fit(x: Floats, components: int = 24, rounds: int = 60, seed: int = 0) -> Mixture:
        """Return the mixture of points [n, d], started from points drawn far from each other."""
        rng = np.random.default_rng(seed)
        means = _spread(x, min(components, len(x)), rng)
        variances = np.tile(np.maximum(x.var(axis=0), FLOOR), (len(means), 1))
        weights = np.full(len(means), 1 / len(means))
        for _ in range(rounds):
            joint = _joint(x, means, variances, weights)
            posterior = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
            counts = posterior.sum(axis=0) + 1e-9
            means = posterior.T @ x / counts[:, None]
            variances = np.maximum(posterior.T @ (x * x) / counts[:, None] - means**2, FLOOR)
            weights = counts / counts.sum()
        density: Floats = np.logaddexp.reduce(_joint(x, means, variances, weights), axis=1)
        return Mixture(means, variances, weights, np.quantile(density, np.linspace(0, 1, QUANTILES)))

    def posterior(self, x: Floats) -> Floats:
        """Return the probability of each component for points, [n, q]."""
        joint = _joint(x, self.means, self.variances, self.weights)
        result: Floats = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        return result

    def in_domain(self, x: Floats) -> Floats:
        """Return for points [n, d] the share of training networks that are no likelier.

        Below 99 in 100 of them it falls to 0 over ``TAIL`` times the log density between these and the median.
        The least likely ones of training do not enter: a few strangers among them would make anything known.
        """
        density: Floats = np.logaddexp.reduce(_joint(x, self.means, self.variances, self.weights), axis=1)
        share = np.interp(density, self.levels, np.linspace(0, 1, len(self.levels)))
        rare, median = self.levels[1], self.levels[len(self.levels) // 2]
        tail = np.clip(1 - (rare - density) / (TAIL * (median - rare) + 1e-9), 0, 1) / (len(self.levels) - 1)
        result: Floats = np.where(density < rare, tail, share)
        return result


@dataclass(frozen=True)
class Domain:
    """A mixture over the first axes of the spread of points: ``centre`` and ``scale`` [d], ``axes`` [d, k]."""

    centre: Floats
    scale: Floats
    axes: Floats
    mixture: Mixture

    @staticmethod
    def fit(points: Floats, leading: int, axes: int = 16, components: int = 24, seed: int = 0) -> Domain:
        """Return the domain of points [n, d], of which columns after the ``leading`` ones count less.

        What never varies counts as little as its scale of 1 makes it.
        """
        centre, scale = points.mean(axis=0), points.std(axis=0)
        scale = np.where(scale > 1e-3, scale, 1.0)
        scale[leading:] /= SECONDARY
        _, sizes, rows = np.linalg.svd((points - centre) / scale, full_matrices=False)
        chosen = rows[:axes].T * (np.sqrt(len(points)) / np.maximum(sizes[:axes], 1e-6))
        return Domain(centre, scale, chosen, Mixture.fit((points - centre) / scale @ chosen, components, seed=seed))

    def share(self, points: Floats) -> Floats:
        """Return for points [n, d] the share of training networks that are no likelier."""
        return self.mixture.in_domain((points - self.centre) / self.scale @ self.axes)

    def arrays(self) -> dict[str, Floats]:
        """Return everything as named arrays."""
        return {"centre": self.centre, "scale": self.scale, "axes": self.axes, **vars(self.mixture)}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[np.generic]]) -> Domain:
        """Return the domain of named arrays."""
        known = {name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()}
        centre, scale, axes = (known.pop(name) for name in ("centre", "scale", "axes"))
        return Domain(centre, scale, axes, Mixture(**known))


def _spread(x: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return points, each drawn in proportion to its squared distance from those before (k-means++)."""
    chosen = [x[rng.integers(len(x))]]
    while len(chosen) < count:
        distance = np.min([((x - c) ** 2).sum(axis=1) for c in chosen], axis=0) + 1e-12
        chosen.append(x[rng.choice(len(x), p=distance / distance.sum())])
    return np.array(chosen)


def _joint(x: Floats, means: Floats, variances: Floats, weights: Floats) -> Floats:
    """Return the log density of points and components together, [n, q]."""
    inverse = 1 / variances
    squares = (x * x) @ inverse.T - 2 * x @ (means * inverse).T + (means * means * inverse).sum(axis=1)
    result: Floats = np.log(weights + 1e-300) - 0.5 * (squares + np.log(2 * np.pi * variances).sum(axis=1))
    return result
