"""The Gaussian process around a prior, against scikit-learn's and against leaving out by hand."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from nasc.predictor.gaussian_process import Floats, GaussianProcess, Kernel

RNG = np.random.default_rng(0)
X, NEW = RNG.standard_normal((20, 3)), RNG.standard_normal((7, 3))
TARGETS = np.sin(X[:, 0]) + 0.1 * RNG.standard_normal(20)


def zeros(x: Floats) -> Floats:
    return np.zeros(len(x))


def test_without_a_prior_it_is_that_of_scikit_learn() -> None:
    known = GaussianProcess.fitted(X, zeros(X), TARGETS, [Kernel(0.5)], [0.1])
    oracle = GaussianProcessRegressor(RBF(np.sqrt(2), "fixed"), alpha=0.1).fit(X, TARGETS)
    mean, deviation = oracle.predict(NEW, return_std=True)
    np.testing.assert_allclose(known.mean(NEW, zeros(NEW)), mean)
    np.testing.assert_allclose(known.deviation(NEW), deviation)


def test_the_kernel_and_noise_of_the_least_error_left_out_are_kept() -> None:
    kernels, noises = (Kernel(0.02), Kernel(0.5, linear=0.3), Kernel(50.0)), (0.03, 1.0)

    def left_out(kernel: Kernel, noise: float) -> float:
        errors = []
        for i in range(len(X)):
            rest = np.delete(np.arange(len(X)), i)
            part = GaussianProcess.fitted(X[rest], zeros(X[rest]), TARGETS[rest], [kernel], [noise])
            errors.append(float(part.mean(X[[i]], zeros(X[[i]]))[0] - TARGETS[i]))
        return float(np.mean(np.square(errors)))

    expected = min(((kernel, noise) for kernel in kernels for noise in noises), key=lambda pair: left_out(*pair))
    alone = GaussianProcess.fitted(X, zeros(X), TARGETS, [expected[0]], [expected[1]])
    known = GaussianProcess.fitted(X, zeros(X), TARGETS, kernels, noises)
    assert known.kernel == expected[0]
    np.testing.assert_array_equal(known.weights, alone.weights)


def test_a_prior_counts_as_much_as_it_agrees() -> None:
    far = NEW + 1000
    known = GaussianProcess.fitted(X, 5 * TARGETS + 2, TARGETS, [Kernel(0.5)], [0.1])
    np.testing.assert_allclose(known.mean(far, 5 * far[:, 0] + 2), (far[:, 0] - TARGETS.mean()) / TARGETS.std())
    opposed = GaussianProcess.fitted(X, -TARGETS, TARGETS, [Kernel(0.5)], [0.1])
    np.testing.assert_array_equal(opposed.mean(far, far[:, 0]), zeros(far))


@pytest.mark.parametrize(("prior", "targets"), [(np.full(3, 0.1), np.arange(3.0)), (np.arange(3.0), np.full(3, 0.1))])
def test_a_prior_that_is_constant_or_has_nothing_to_agree_with_counts_nothing(prior: Floats, targets: Floats) -> None:
    known = GaussianProcess.fitted(X[:3], prior, targets, [Kernel(0.5)], [0.1])
    other = GaussianProcess.fitted(X[:3], zeros(X[:3]), targets, [Kernel(0.5)], [0.1])
    np.testing.assert_array_equal(known.mean(NEW, NEW[:, 0]), other.mean(NEW, zeros(NEW)))


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a Gaussian process needs at least one kernel and one noise$"):
        GaussianProcess.fitted(X, zeros(X), TARGETS, [], [0.1])
