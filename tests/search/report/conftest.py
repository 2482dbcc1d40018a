"""The studies that are reported, and a relevance that needs no predictor."""

from collections.abc import Callable, Sequence

import pytest

from nasc.ir import Module
from nasc.passes import Relevance
from nasc.search.report import Material
from nasc.tests.search.report.studies import CALLS, SETTINGS, done, network, small


@pytest.fixture
def study() -> Material:
    return Material("first", small(), SETTINGS, CALLS, {"cifar10 test": 0.6875})


@pytest.fixture
def others() -> list[Material]:
    """Two studies of another method that differ in their seed alone."""
    return [
        Material(
            f"evolution-{seed}",
            [done(0, network(), 0.4), done(1, network(16), 0.4 + 0.1 * seed, (0,))],
            {"method": "evolution", "seed": seed},
        )
        for seed in (1, 2)
    ]


@pytest.fixture
def relevance() -> Callable[[Module], Module]:
    """Measures relevance by a rule instead of a predictor: what masks a convolution costs most."""

    def score(module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
        return [1.0 - sum("conv" in name for name in mask) for mask in masks]

    return Relevance(score=score)
