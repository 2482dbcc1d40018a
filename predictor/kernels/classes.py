"""Nodes that message passing cannot tell apart, so that their state is computed once.

Two nodes have the same state after k layers where they start alike and see the same k steps around them: colour
refinement. Repeated cells make many such nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .codes import Codes, Integers, mixed, of_rows, sums
from .relation import Relation, Step


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes of equal states: before the first layer they are those of the nodes ``first``.

    Each of ``steps`` leads to the finer classes after a layer; ``last`` [n] is the class of each node at the end.
    """

    first: Tensor
    steps: tuple[Step, ...]
    last: Tensor

    @staticmethod
    def of(kinds: Tensor, rows: Tensor, step: Step, layers: int) -> Classes:
        """Return the classes of nodes with these kinds [n] and rows [n, r] for so many layers over one step."""
        sources, readers = (_Rows.of(relation) for relation in (step.sources, step.readers))
        codes = of_rows(kinds.numpy(), rows.numpy())
        which, chosen = _unique(codes)
        first = torch.from_numpy(chosen)
        steps: list[Step] = []
        for _ in range(layers):
            known = codes[chosen]
            codes = mixed(known, 0)[which]
            codes += sums(mixed(known, 1)[which], sources.start, sources.index)
            codes += sums(mixed(known, 2)[which], readers.start, readers.index)
            before, count = which, len(chosen)
            which, chosen = _unique(codes)
            relations = (side.of_classes(chosen, before, count) for side in (sources, readers))
            steps.append(Step(next(relations), next(relations), torch.from_numpy(before[chosen])))
        return Classes(first, tuple(steps), torch.from_numpy(which))


@dataclass(frozen=True, eq=False)
class _Rows:
    """A relation in numpy."""

    start: Integers
    index: Integers

    @staticmethod
    def of(relation: Relation) -> _Rows:
        return _Rows(relation.start.numpy(), relation.index.numpy())

    def of_classes(self, chosen: Integers, which: Integers, columns: int) -> Relation:
        """Return what the chosen rows read, as classes."""
        begin = self.start[chosen]
        counts = self.start[chosen + 1] - begin
        start = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(counts, out=start[1:])
        places = np.arange(start[-1]) + np.repeat(begin - start[:-1], counts)
        return Relation(torch.from_numpy(start), torch.from_numpy(which[self.index[places]]), columns)


def _unique(codes: Codes) -> tuple[Integers, Integers]:
    """Return the class of each code, and the place of one code of each class."""
    order = np.argsort(codes)
    ordered = codes[order]
    new = np.ones(len(codes), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    which = np.empty(len(codes), np.int64)
    which[order] = np.cumsum(new) - 1
    return which, order[new]
