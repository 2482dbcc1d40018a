"""What the rankers of the harness learn from and rank: families as tables of statistics with measured accuracies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .datasets import Dataset
from .layout import ACTIVATION, Layout
from .signal import collapse
from .statistics import NAMES, Columns, statistics

Floats = NDArray[np.float64]
COLUMNS = (*NAMES, "collapse", "activations")
"""Statistics of a network, and two of its signals: see :mod:`.signal`; activations are log(1 + count)."""


@dataclass(frozen=True)
class Sample:
    """Networks of one family: the data, their statistics ``x`` [n, len(COLUMNS)] and targets [n]."""

    data: Dataset
    x: Floats

    @property
    def name(self) -> str:
        """The family's name."""
        return self.data.family.name

    @property
    def accuracy(self) -> Floats:
        """Accuracy [n] in the task that the family is ranked by."""
        return self.data.accuracy

    def columns(self, names: Sequence[str]) -> Floats:
        """Return some statistics [n, len(names)]."""
        return self.x[:, [COLUMNS.index(name) for name in names]]

    def take(self, index: NDArray[np.intp]) -> Sample:
        """Return the networks at these positions."""
        return Sample(self.data.take(index), self.x[index])

    def without(self, digests: set[str]) -> Sample:
        """Return the networks whose digest is not among these."""
        return self.take(np.array([i for i, d in enumerate(self.data.digests.tolist()) if d not in digests], dtype=int))


Score = Callable[[Sample], Floats]


def sample(data: Dataset) -> Sample:
    """Return the statistics of a data set."""
    return Sample(data, np.array([_numbers(one) for one in data.layouts]).reshape(-1, len(COLUMNS)))


def _numbers(layout: Layout) -> Floats:
    everything = np.ones((1, 3, len(layout.kinds)), dtype=bool)
    bends = np.log1p(float(layout.numbers[:, ACTIVATION].sum()))
    return np.append(statistics(Columns.of(layout), everything)[0], [collapse(layout), bends])
