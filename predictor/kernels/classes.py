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
        which, chosen = unique(codes)
        first = torch.from_numpy(chosen)
        steps: list[Joined] = []
        for _ in range(layers):
            known = codes[chosen]
            sent = np.stack([mixed(known, way) for way in range(WAYS)], axis=1)
            codes = sums(sent.take(which, axis=0).ravel(), start, index)
            columns, count = np.stack([WAYS * which + way for way in range(WAYS)], axis=1), WAYS * len(chosen)
            which, chosen = unique(codes)
            starts, read = _of_rows(start, index, chosen)
            steps.append(Joined(torch.from_numpy(starts), torch.from_numpy(columns.ravel()[read]), count))
        return Classes(first, tuple(steps), torch.from_numpy(which))


def _of_rows(start: Integers, index: Integers, chosen: Integers) -> tuple[Integers, Integers]:
    """Return where the chosen rows of a relation begin, and what they read."""
    begin = start[chosen]
    counts = start[chosen + 1] - begin
    starts = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    places = np.arange(starts[-1])
    places += np.repeat(begin - starts[:-1], counts)
    return starts, index[places]


def unique(codes: Codes) -> tuple[Integers, Integers]:
    """Return the class of each code, and the place of one code of each class, rising.

    Codes are looked up in a table by some of their bits; the few that find another code there try other bits, and what
    is left at last is sorted.
    """
    bits = max(4 * len(codes), 2).bit_length()
    table = np.empty(1 << bits, np.int64)
    every = np.arange(len(codes))
    found, left = every.copy(), every
    for shift in range(64 - bits, -1, -3):
        mine = codes[left]
        slots = (mine >> np.uint64(shift) & np.uint64(len(table) - 1)).view(np.int64)
        table[slots] = left
        seen = table[slots]
        found[left] = seen
        left = left[codes[seen] != mine]
        if not len(left):
            break
    else:
        _, place, which = np.unique(codes[left], return_index=True, return_inverse=True)
        found[left] = left[place][which]
    first = found == every
    return (np.cumsum(first) - 1)[found], np.flatnonzero(first)
