"""Rankers that learn from some families and rank another: the recipes that the harness compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError
from .fitting import normal_scores
from .samples import Sample, Score

Floats = NDArray[np.float64]
Fit = Callable[[Sequence[Sample], int], Score]

SIZE = "log10 size"
RISING = (
    "mixing layers",
    "longest path, mixing",
    "longest path, layers",
    "mean path, mixing",
    "mean path, layers",
    SIZE,
)
FALLING = ("pool share", "pools on mean path", "fewest pools")
SLOPE = 1.0
"""Standard deviations of a family that ten times the size are worth beside what the trees say."""


def by_column(column: str) -> Fit:
    """Return the ranker that learns nothing: one statistic."""

    def fit(sources: Sequence[Sample], seed: int) -> Score:
        del sources, seed
        return lambda sample: sample.columns([column])[:, 0]

    return fit


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees on statistics that may only raise the score, or only lower it (scikit-learn).

    Targets are normal scores within each family, and families weigh alike. ``slope`` times the logarithm of the size is
    added: trees say nothing beyond the sizes that they have seen.
    """

    signs: Mapping[str, int]
    slope: float = 0.0
    rounds: int = 120

    def __call__(self, sources: Sequence[Sample], seed: int) -> Score:
        """Train on the sources. Raises NascError where scikit-learn is not there."""
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ImportError:
            raise NascError.of(
                "the trees of the harness need scikit-learn", "pip install scikit-learn", "missing-package"
            ) from None
        names = list(self.signs)
        # One seed's trees see other networks than the next one's: with all of them, boosting has no chance in it.
        rng = np.random.default_rng(seed)
        parts = [s.take(np.sort(rng.permutation(len(s.x))[: max(int(0.9 * len(s.x)), 1)])) for s in sources]
        model = HistGradientBoostingRegressor(
            max_iter=self.rounds,
            learning_rate=0.08,
            max_leaf_nodes=12,
            min_samples_leaf=20,
            l2_regularization=1.0,
            monotonic_cst=[self.signs[name] for name in names],
            random_state=seed,
        )
        weights = np.concatenate([np.full(len(s.x), 1000 / len(s.x)) for s in parts])
        targets = np.concatenate([normal_scores(s.accuracy) for s in parts])
        model.fit(np.concatenate([s.columns(names) for s in parts]), targets, sample_weight=weights)

        def score(sample: Sample) -> Floats:
            result: Floats = model.predict(sample.columns(names)) + self.slope * sample.columns([SIZE])[:, 0]
            return result

        return score


def shipped(sources: Sequence[Sample], seed: int) -> Score:
    """Return the shipped predictor, whatever the sources are."""
    from .prediction import Predictor

    del sources, seed
    ensemble = Predictor.load().ensemble
    return lambda sample: ensemble.scores(sample.data.graphs)[0].astype(np.float64)


SIGNED: Mapping[str, int] = MappingProxyType({**dict.fromkeys(RISING, 1), **dict.fromkeys(FALLING, -1)})
SIGNALS: Mapping[str, int] = MappingProxyType({**SIGNED, "collapse": -1, "activations": 1})


def rankers() -> Mapping[str, Fit]:
    """Return the rankers by name, in the order of the tables."""
    from .kgnn import kgnn

    return MappingProxyType(
        {
            "parameters": by_column("log10 params"),
            "FLOPs": by_column("log10 MACs"),
            "k-GNN": kgnn,
            "trees": Trees(SIGNED),
            "trees, size": Trees(SIGNED, SLOPE),
            "trees, signals": Trees(SIGNALS),
            "trees, signals, size": Trees(SIGNALS, SLOPE),
            "shipped": shipped,
        }
    )
