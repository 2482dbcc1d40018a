"""Boosted trees that may only rise in some statistics and only fall in others, as plain arrays.

They are grown with scikit-learn and evaluated here, so that whoever predicts needs no scikit-learn and nothing is
unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError
from .slopes import centred
from .statistics import NAMES
from .tasks import CONDITIONS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SIZES = ("log10 params", "log10 MACs", "log10 outputs")
SHAPE = ("mean width", "pointwise share")
COLUMNS = (
    *NAMES,
    *CONDITIONS,
    *(f"{name}, {images} images" for name in SIZES for images in ("small", "large")),
    *(f"{name}, large images" for name in SHAPE),
)
"""What trees may read: statistics, conditions, and statistics that count on large images alone, or on small ones."""

RISING: Mapping[str, int] = {
    **dict.fromkeys(COLUMNS[len(NAMES) + len(CONDITIONS) : -len(SHAPE)], 1),
    **dict.fromkeys(("mixing layers", "activations", "longest path, mixing", "longest path, layers"), 1),
    **dict.fromkeys(("mean path, mixing", "mean path, layers"), 1),
    **dict.fromkeys(("pool share", "pools on mean path", "fewest pools"), -1),
    **dict.fromkeys(COLUMNS[-len(SHAPE) :], 0),
    "log10 classes": 0,
}
"""Inputs of the trees, and how each may move the score: up (1), down (-1), either way (0)."""

SHAPED: Mapping[str, int] = {**RISING, **dict.fromkeys(("adds", "cats", "paths", "shortest path, mixing"), 0)}
"""The same with counts of sums, concatenations and paths, which move the score either way."""


def inputs(x: Floats, conditions: Floats) -> Floats:
    """Return what trees read [n, len(COLUMNS)] of statistics [n, s] under conditions [n, 2]."""
    large = conditions[:, :1]
    sizes = x[:, [NAMES.index(name) for name in SIZES for _ in range(2)]]
    shape = x[:, [NAMES.index(name) for name in SHAPE]]
    parts = np.concatenate([1 - large, large] * len(SIZES), axis=1)
    return np.concatenate([x, conditions, sizes * parts, shape * large], axis=1)


@dataclass(frozen=True)
class Growth:
    """How trees are grown: how many, how much of each counts, leaves of a tree and least networks of a leaf."""

    rounds: int = 60
    rate: float = 0.12
    leaves: int = 5
    least: int = 30
    share: float = 0.5


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees side by side, all arrays [trees, nodes]: a leaf has the feature -1 and itself as children."""

    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats

    def __call__(self, x: Floats) -> Floats:
        """Return the sum of all trees [n] at inputs [n, len(COLUMNS)]; see :func:`inputs`."""
        trees, size = self.feature.shape
        first = np.arange(trees) * size  # where each tree begins in the flat arrays
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = ((side + first[:, None]).ravel() for side in (self.left, self.right))
        single, row = x.astype(np.float32), np.arange(len(x))[:, None] * x.shape[1]  # as scikit-learn compares
        node = np.tile(first, (len(x), 1))
        while ((asked := feature.take(node)) >= 0).any():
            lower = single.take(row + asked, mode="wrap") <= threshold.take(node)
            node = np.where(lower, left.take(node), right.take(node))
        result: Floats = self.value.ravel().take(node).sum(axis=1)
        return result

    @staticmethod
    def grow(
        x: Floats,
        residual: Floats,
        weights: Floats,
        groups: NDArray[np.intp],
        seed: int,
        signs: Mapping[str, int] = RISING,
        growth: Growth | None = None,
    ) -> Forest:
        """Return trees that sum up to the residuals [n], each group apart from an offset. Raises NascError.

        ``x`` [n, len(COLUMNS)] is of :func:`inputs`. Each tree fits what the trees before leave within the groups, on
        a random share of the networks.
        """
        plan, rng = growth or Growth(), np.random.default_rng(seed)
        chosen = [COLUMNS.index(name) for name in signs]
        read, left = x[:, chosen].astype(np.float32), centred(residual, weights, groups)
        trees: list[Any] = []
        for _ in range(plan.rounds):
            part = rng.random(len(x)) < plan.share
            part |= not part.any()  # of a handful of networks none may be drawn
            tree = _regressor()(
                max_leaf_nodes=plan.leaves,
                min_samples_leaf=min(plan.least, max(len(x) // 10, 1)),
                monotonic_cst=list(signs.values()),
                random_state=int(rng.integers(1 << 30)),
            )
            tree.fit(read[part], left[part], sample_weight=weights[part] * len(x))
            left = left - plan.rate * centred(tree.predict(read), weights, groups)
            trees.append(tree.tree_)
        return _stacked(trees, plan.rate, np.array(chosen))


def _regressor() -> Any:
    try:
        from sklearn.tree import DecisionTreeRegressor
    except ImportError:
        raise NascError.of(
            "growing trees needs scikit-learn", "pip install 'nasc[trees]', or train --without trees", "missing-package"
        ) from None
    return DecisionTreeRegressor


def _stacked(trees: list[Any], rate: float, chosen: NDArray[np.intp]) -> Forest:
    """Return scikit-learn's trees as one forest."""
    size = max(tree.node_count for tree in trees)
    own = np.tile(np.arange(size), (len(trees), 1))
    feature, left, right = np.full_like(own, -1), own.copy(), own.copy()
    threshold, value = np.zeros(own.shape), np.zeros(own.shape)
    for i, tree in enumerate(trees):
        n, inner = tree.node_count, tree.children_left >= 0
        feature[i, :n] = np.where(inner, chosen[np.maximum(tree.feature, 0)], -1)
        left[i, :n] = np.where(inner, tree.children_left, np.arange(n))
        right[i, :n] = np.where(inner, tree.children_right, np.arange(n))
        threshold[i, :n], value[i, :n] = tree.threshold, rate * tree.value[:, 0, 0]
    return Forest(feature, threshold, left, right, value)
