"""A Gaussian process around another's score: what a few known networks teach a ranker that never saw their kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """Squared exponential, ``length`` the inverse square of its length, plus ``linear`` times the product of inputs."""

    length: float
    linear: float = 0.0

    def __call__(self, a: Floats, b: Floats) -> Floats:
        """Return the covariances [n, m] of inputs a [n, d] and b [m, d]."""
        result: Floats = np.exp(-squares(a, b) * self.length / 2)
        return result + self.linear * a @ b.T if self.linear else result


def squares(a: Floats, b: Floats) -> Floats:
    """Return the squared distances [n, m] of inputs a [n, d] and b [m, d]."""
    result: Floats = np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T, 0.0)
    return result


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """What is known of inputs ``x`` [n, d] whose targets were given, around a prior.

    The mean is ``agreement`` times the prior, less its ``centre`` and over its ``scale``, plus the kernel with the
    known inputs times ``weights`` [n]; ``inverse`` [n, n] is that of their covariance, noise included.
    """

    x: Floats
    kernel: Kernel
    inverse: Floats
    weights: Floats
    centre: float
    scale: float
    agreement: float

    @staticmethod
    def fitted(
        x: Floats, prior: Floats, targets: Floats, kernels: Iterable[Kernel], noises: Iterable[float]
    ) -> GaussianProcess:
        """Return the process of known inputs x [n, d], what the prior says of them [n], and their targets [n].

        The prior counts as much as it agrees with the targets, nothing where it or they are constant. Kernel and noise
        are those of the least error where each known input is left out in turn, ``(K^-1 y)_i / (K^-1)_ii`` (Rasmussen
        and Williams, 2006, 5.4.2).
        """
        varied = bool(np.ptp(prior) and np.ptp(targets))  # of equal numbers the deviation is mostly not quite 0
        centre, scale = float(prior.mean()), float(prior.std()) if varied else 1.0
        agreement = max(float(np.corrcoef(prior, targets)[0, 1]), 0.0) if varied else 0.0
        residual = targets - agreement * (prior - centre) / scale
        noises, least, best = tuple(noises), np.inf, None
        for kernel in kernels:
            covariance = kernel(x, x)
            for noise in noises:
                inverse = np.linalg.inv(covariance + noise * np.eye(len(x))).astype(np.float64)
                weights: Floats = inverse @ residual
                error = float(np.mean((weights / np.diag(inverse)) ** 2))
                if best is None or error < least:
                    least = error
                    best = GaussianProcess(x, kernel, inverse, weights, centre, scale, agreement)
        if best is None:
            raise ValueError("a Gaussian process needs at least one kernel and one noise")
        return best

    def mean(self, x: Floats, prior: Floats) -> Floats:
        """Return what is expected [m] of inputs x [m, d], of which the prior says this [m]."""
        result: Floats = self.agreement * (prior - self.centre) / self.scale + self.kernel(x, self.x) @ self.weights
        return result

    def deviation(self, x: Floats) -> Floats:
        """Return the standard deviation [m] of inputs x [m, d], 1 far from all that is known; for no linear part."""
        across = self.kernel(x, self.x)
        variance = 1.0 - np.einsum("ij,jk,ik->i", across, self.inverse, across)
        result: Floats = np.sqrt(np.maximum(variance, 0.0))
        return result
