"""Rankers that learn from some families and rank another: baselines, ours, and ours without its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError
from .datasets import Dataset, Score
from .fitting import tables
from .forest import Forest, inputs
from .slopes import centred
from .statistics import NAMES
from .tasks import conditions
from .trunk import Table, Trunk

Floats = NDArray[np.float64]
Fit = Callable[[Sequence[Dataset], int], Score]

RISING = (
    "mixing layers",
    "longest path, mixing",
    "longest path, layers",
    "mean path, mixing",
    "mean path, layers",
    "log10 size",
)
FALLING = ("pool share", "pools on mean path", "fewest pools")
SIGNED: Mapping[str, int] = MappingProxyType({**dict.fromkeys(RISING, 1), **dict.fromkeys(FALLING, -1)})
SHARE = 0.9
"""Share of the networks that one seed's ranker sees: with all of them, fitting slopes has no chance in it."""

MOST = 400
"""Networks of a source that are trained on, where there are several."""

GRAPHS = 120
"""Networks of a source that the encoder of the ablation is trained on: small, so that it ends in minutes."""


def by_column(column: str) -> Fit:
    """Return the ranker that learns nothing: one statistic."""

    def fit(sources: Sequence[Dataset], seed: int) -> Score:
        del sources, seed
        return lambda data: data.columns([column])[:, 0]

    return fit


@dataclass(frozen=True)
class Trees:
    """The baseline of boosted trees on monotone graph statistics, scikit-learn's own, families not told apart."""

    rounds: int = 120

    def __call__(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train on the sources. Raises NascError where scikit-learn is not there."""
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ImportError:
            raise NascError.of(
                "the trees of the harness need scikit-learn", "pip install 'nasc[trees]'", "missing-package"
            ) from None
        names, found = list(SIGNED), tables(sampled(sources, seed))
        model = HistGradientBoostingRegressor(
            max_iter=self.rounds,
            learning_rate=0.08,
            max_leaf_nodes=12,
            min_samples_leaf=20,
            l2_regularization=1.0,
            monotonic_cst=[SIGNED[name] for name in names],
            random_state=seed,
        )
        columns = [NAMES.index(name) for name in names]
        weights = np.concatenate([np.full(len(t.x), 1000 / len(t.x)) for t in found])
        targets = np.concatenate([t.targets for t in found])
        model.fit(np.concatenate([t.x[:, columns] for t in found]), targets, sample_weight=weights)
        return lambda data: np.asarray(model.predict(data.columns(names)), dtype=np.float64)


@dataclass(frozen=True)
class Ours:
    """The trunk: slopes, trees on what they leave, and the task as a condition, each of which can be left out."""

    forests: int = 2
    task: bool = True

    def __call__(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train on the sources. Raises NascError where scikit-learn is not there."""
        found = tables(sampled(sources, seed))
        if not self.task:
            found = [replace(t, conditions=conditions("cifar10")) for t in found]
        trunk = Trunk.fit(found, [2 * seed + i for i in range(self.forests)])
        return lambda data: self._score(trunk, data)

    def _score(self, trunk: Trunk, data: Dataset) -> Floats:
        asked = np.tile(conditions(data.family.task if self.task else "cifar10"), (len(data.x), 1))
        return trunk(data.x, asked)


def sampled(sources: Sequence[Dataset], seed: int) -> list[Dataset]:
    """Return the networks of each source that one seed's ranker sees."""
    rng = np.random.default_rng(seed)
    most = MOST if len(sources) > 1 else 4000
    return [s.take(np.sort(rng.permutation(len(s.x))[: max(min(int(SHARE * len(s.x)), most), 1)])) for s in sources]


def trees_alone(sources: Sequence[Dataset], seed: int) -> Score:
    """Train our trees on the targets themselves, without slopes."""
    found: list[Table] = tables(sampled(sources, seed))
    asked = np.concatenate([np.tile(t.conditions, (len(t.x), 1)) for t in found])
    x, targets = np.concatenate([t.x for t in found]), np.concatenate([t.targets for t in found])
    weights = np.concatenate([np.full(len(t.x), 1 / len(t.x) / len(found)) for t in found])
    groups = np.repeat(np.arange(len(found)), [len(t.x) for t in found])
    forest = Forest.grow(inputs(x, asked), centred(targets, weights, groups), weights, groups, seed)
    return lambda data: forest(inputs(data.x, np.tile(conditions(data.family.task), (len(data.x), 1))))


def with_encoder(sources: Sequence[Dataset], seed: int) -> Score:
    """Train the trunk, and one encoder for one pass over some of the networks."""
    import torch

    from .batch import batches
    from .encoder_fitting import Corpus, once

    parts = sampled(sources, seed)
    trunk = Trunk.fit(tables(parts), [2 * seed + i for i in range(2)])
    most = GRAPHS if len(parts) > 1 else 1500
    encoder = once(Corpus.of([p.take(np.arange(min(len(p.x), most))) for p in parts], trunk), seed)

    @torch.inference_mode()
    def score(data: Dataset) -> Floats:
        extra = torch.cat([encoder(batch) for batch in batches(data.graphs)]).numpy()
        result: Floats = trunk(data.x, np.tile(conditions(data.family.task), (len(data.x), 1))) + extra
        return result

    return score


def rankers() -> Mapping[str, Fit]:
    """Return the rankers by name, in the order of the tables."""
    from .kgnn import kgnn
    from .thesis.recipe import Recipe

    return MappingProxyType(
        {
            "parameters": by_column("log10 params"),
            "FLOPs": by_column("log10 MACs"),
            "ours": Ours(),
            "ours, slopes alone": Ours(forests=0),
            "trees": Trees(),
            "ours, slopes alone, no task": Ours(forests=0, task=False),
            "ours, trees alone": trees_alone,
            "k-GNN": kgnn,
            "ours and encoder": with_encoder,
            "thesis": Recipe(),
        }
    )
