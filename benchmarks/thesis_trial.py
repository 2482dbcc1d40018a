"""One training of a variant of the thesis's recipe, and how well it ranks each family."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isnan
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from nasc.predictor.datasets import Dataset, Score, load
from nasc.predictor.evaluation import Ranking, ranking
from nasc.predictor.families import FAMILIES

from .thesis_variants import Size, variants

SOURCE = "nb101"
HELD_OUT = 400
SMALL = 150
"""Nodes a network, on average, up to which a family is pretrained on: attention grows with the square of the nodes."""
TARGETS = tuple(
    name for name, family in FAMILIES.items() if name != SOURCE and family.decoder != "model" and "_lr" not in name
)
STRINGS, NETWORKS = "nb201 strings", "nb201 networks"
"""All strings of NAS-Bench-201, as papers count them, and each network that they name once."""


@dataclass(frozen=True)
class Task:
    """A variant to train under a seed."""

    variant: str
    seed: int
    size: Size


@dataclass(frozen=True)
class Line:
    """A variant under a seed: Spearman and NDCG@10 by family, and seconds of training, whatever ran beside it."""

    variant: str
    seed: int
    width: int
    graphs: int
    seconds: float
    spearman: Mapping[str, float]
    batch: int = 32
    passes: int = 3
    regressions: int = 200
    ndcg10: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def task(self) -> Task:
        """What was trained."""
        size = Size(self.width, self.graphs, self.batch, self.passes, self.regressions)
        return Task(self.variant, self.seed, size)

    @property
    def transfer(self) -> float:
        """The mean over the families that it was not trained on."""
        return mean(self.spearman[family] for family in TARGETS)


@dataclass(frozen=True, eq=False)
class Ground:
    """What is trained on and what is ranked: so many networks of NAS-Bench-101 and of each other family.

    ``all_strings`` adds the whole of NAS-Bench-201; ``device`` is where it is trained.
    """

    graphs: int
    networks: int
    all_strings: bool = False
    device: str = "cpu"

    @cached_property
    def source(self) -> Dataset:
        """The networks that are trained on."""
        return self._both[0]

    @cached_property
    def targets(self) -> Mapping[str, Dataset]:
        """The networks that are ranked, by family, none of which is trained on."""
        seen = set(self.source.digests.tolist())
        return {name: one.without(seen) for name, one in {**self._others, SOURCE: self._both[1]}.items()}

    @cached_property
    def small(self) -> Sequence[Dataset]:
        """The other families of small networks."""
        return [one for one in self._others.values() if mean(len(graph.kinds) for graph in one.layouts) < SMALL]

    @cached_property
    def strings(self) -> tuple[Dataset, NDArray[np.intp], NDArray[np.float64]]:
        """NAS-Bench-201: its networks, and for each string the position of its network and its accuracy."""
        whole = load("nb201", None, None, print)
        once = whole.distinct()
        at = {digest: i for i, digest in enumerate(once.digests.tolist())}
        return once, np.array([at[digest] for digest in whole.digests.tolist()]), whole.accuracy

    @cached_property
    def _both(self) -> tuple[Dataset, Dataset]:
        both = load(SOURCE, None, max(self.graphs, 1000) + HELD_OUT, print).distinct()
        first, rest = (both.take(part) for part in np.split(np.arange(len(both.x)), [-HELD_OUT]))
        return first, rest

    @cached_property
    def _others(self) -> Mapping[str, Dataset]:
        return {name: load(name, None, self.networks, print).distinct() for name in TARGETS}

    def ranked(self, score: Score) -> Mapping[str, Ranking]:
        """Return how well scores rank each family."""
        found = {family: ranking(score(one), one.accuracy) for family, one in self.targets.items()}
        if self.all_strings:
            once, which, accuracy = self.strings
            scores, unseen = score(once), ~np.isin(once.digests, self.source.digests)
            found[STRINGS] = ranking(scores[which], accuracy)
            found[NETWORKS] = ranking(scores[unseen], once.accuracy[unseen])
        return found


def tried(task: Task, ground: Ground) -> Line:
    """Return how well a variant ranks each family, and how long it took to train."""
    recipe = replace(variants(task.size, ground.small)[task.variant], device=ground.device)
    began = time.perf_counter()
    score = recipe([ground.source], task.seed)
    seconds = time.perf_counter() - began
    found = ground.ranked(score)
    spearman = {family: 0.0 if isnan(one.spearman) else one.spearman for family, one in found.items()}
    size = task.size
    return Line(
        task.variant, task.seed, size.width, size.graphs, seconds, spearman, size.batch, size.passes, size.regressions,
        {family: one.ndcg10 for family, one in found.items()},
    )  # fmt: skip
