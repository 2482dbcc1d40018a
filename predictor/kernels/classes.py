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
from .relation import WAYS, Joined


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes of equal states: before the first layer they are those of the nodes ``first``.

    Each of ``steps`` leads to the finer classes after a layer; ``last`` [n] is the class of each node at the end.
    """

    first: Tensor
    steps: tuple[Joined, ...]
    last: Tensor

    @staticmethod
    def of(kinds: Tensor, rows: Tensor, joined: Joined, layers: int) -> Classes:
        """Return the classes of nodes with these kinds [n] and rows [n, r] for so many layers over one step."""
        start, index = joined.start.numpy(), joined.index.numpy()
        codes = of_rows(kinds.numpy(), rows.numpy())
        which, chosen = _unique(codes)
        first = torch.from_numpy(chosen)
        steps: list[Joined] = []
        for _ in range(layers):
            sent = np.stack([mixed(codes, way) for way in range(WAYS)], axis=1)
            codes = sums(sent.ravel(), start, index)
            before, count = which, len(chosen)
            which, chosen = _unique(codes)
            steps.append(_of_classes(start, index, chosen, before, count))
        return Classes(first, tuple(steps), torch.from_numpy(which))


def _of_classes(start: Integers, index: Integers, chosen: Integers, which: Integers, columns: int) -> Joined:
    """Return what the chosen rows of a joined relation read, as classes."""
    begin = start[chosen]
    counts = start[chosen + 1] - begin
    starts = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    places = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], counts)
    column = WAYS * which[:, None] + np.arange(WAYS)
    read = column.ravel()[index[places]]
    return Joined(torch.from_numpy(starts), torch.from_numpy(read), WAYS * columns)


def _unique(codes: Codes) -> tuple[Integers, Integers]:
    """Return the class of each code, and the place of one code of each class."""
    order = np.argsort(codes)
    ordered = codes[order]
    new = np.ones(len(codes), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    which = np.empty(len(codes), np.int64)
    which[order] = np.cumsum(new) - 1
    return which, order[new]
