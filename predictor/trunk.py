"""The part of the score that reads the statistics of the whole network: slopes, and trees on what they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .forest import RISING, SHAPED, Forest, inputs
from .slopes import SLOPES, design, fit_slopes, fixed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Networks of one family: statistics ``x`` [n, s], conditions of their task [2], and targets [n]."""

    x: Floats
    conditions: tuple[float, ...]
    targets: Floats


@dataclass(frozen=True, eq=False)
class Trunk:
    """``slopes`` [len(SLOPES)], ``offset`` (the score of the median network of the first family is 0), and forests.

    ``seen`` says whether networks for small images were trained on, and for large ones [2]: where none were, the trees
    know nothing and the slopes decide alone.
    """

    slopes: Floats
    offset: float
    forests: tuple[Forest, ...] = ()
    seen: tuple[float, ...] = (1.0, 1.0)

    def __call__(self, x: Floats, conditions: Floats) -> Floats:
        """Return the scores [n] of statistics [n, s] under conditions [n, 2]."""
        result: Floats = self.every(x, conditions).mean(axis=0)
        return result

    def every(self, x: Floats, conditions: Floats) -> Floats:
        """Return the scores by each forest, [forests, n]; one row where there is none."""
        level = self.level(x, conditions)
        if not self.forests:
            return level[None]
        read, known = inputs(x, conditions), np.where(conditions[:, 0] > 0, self.seen[1], self.seen[0])
        return np.stack([level + known * forest(read) for forest in self.forests])

    def level(self, x: Floats, conditions: Floats) -> Floats:
        """Return the linear part of the scores [n]."""
        result: Floats = design(x, conditions[:, 0]) @ self.slopes + fixed(x) - self.offset
        return result

    @staticmethod
    def fit(tables: Sequence[Table], seeds: Sequence[int] = (0, 1, 2, 3)) -> Trunk:
        """Return the trunk of some families, which weigh alike, with a forest for each seed. Raises NascError.

        Every second forest reads counts of sums and paths too. They tell much within cell spaces and mislead on some
        other families, so that they have half a voice, and none where one family is all that is known.
        """
        x = np.concatenate([t.x for t in tables])
        conditions = np.concatenate([np.tile(t.conditions, (len(t.x), 1)) for t in tables])
        targets = np.concatenate([t.targets for t in tables])
        weights = np.concatenate([np.full(len(t.x), 1 / len(t.x) / len(tables)) for t in tables])
        groups = np.repeat(np.arange(len(tables)), [len(t.x) for t in tables])
        found = fit_slopes(design(x, conditions[:, 0]), targets, weights, groups)
        draft = Trunk(found, 0.0)
        residual, read = targets - draft.level(x, conditions), inputs(x, conditions)
        kinds = (RISING, SHAPED if len(tables) > 1 else RISING)
        forests = tuple(
            Forest.grow(read, residual, weights, groups, seed, kinds[i % 2]) for i, seed in enumerate(seeds)
        )
        first, large = groups == 0, conditions[:, 0] > 0
        seen = (float((~large).any()), float(large.any()))
        offset = float(np.median(Trunk(found, 0.0, forests, seen)(x[first], conditions[first])))
        return Trunk(found, offset, forests, seen)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as named arrays."""
        found: dict[str, NDArray[np.generic]] = {"slopes": self.slopes, "offset": np.array([self.offset, *self.seen])}
        for i, forest in enumerate(self.forests):
            found |= {f"{i}.{name}": values for name, values in vars(forest).items()}
        return found

    @staticmethod
    def of(arrays: Mapping[str, NDArray[np.generic]]) -> Trunk:
        """Return the trunk of named arrays."""
        count = len({name.partition(".")[0] for name in arrays if "." in name})
        fields = ("feature", "threshold", "left", "right", "value")
        forests = [Forest(*(arrays[f"{i}.{field}"] for field in fields)) for i in range(count)]  # type: ignore[arg-type]
        offset, *seen = np.asarray(arrays["offset"], float).tolist()
        return Trunk(np.asarray(arrays["slopes"], float), offset, tuple(forests), tuple(seen))


def made_for() -> list[str]:
    """Return what a file of weights must have been made for."""
    return [f"{s.images} {s.statistic}" for s in SLOPES]
