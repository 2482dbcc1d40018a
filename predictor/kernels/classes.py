"""Nodes that message passing cannot tell apart, so that their state is computed once.

Two nodes have the same state after k layers where they start alike and see the same k steps around them: colour
refinement (Weisfeiler and Leman, 1968). Repeated cells make many such nodes. Colours are 64-bit hashes; that two of
a million nodes share one by chance has probability 3e-8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .relation import Relation, Step

Codes = NDArray[np.uint64]
Integers = NDArray[np.int64]
_ODD = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


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
        codes = _start(kinds.numpy(), rows.numpy())
        which, chosen = _unique(codes)
        first = torch.from_numpy(chosen)
        steps: list[Step] = []
        for _ in range(layers):
            known = codes[chosen]
            codes = _mixed(known, 0)[which]
            codes += sources.sums(_mixed(known, 1)[which])
            codes += readers.sums(_mixed(known, 2)[which])
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

    def sums(self, codes: Codes) -> Codes:
        """Return the sum modulo 2**64 of the codes that each row reads."""
        running = np.zeros(len(self.index) + 1, np.uint64)
        np.cumsum(codes[self.index], out=running[1:])
        result: Codes = running[self.start[1:]] - running[self.start[:-1]]
        return result

    def of_classes(self, chosen: Integers, which: Integers, columns: int) -> Relation:
        """Return what the chosen rows read, as classes."""
        begin = self.start[chosen]
        counts = self.start[chosen + 1] - begin
        start = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(counts, out=start[1:])
        places = np.arange(start[-1]) + np.repeat(begin - start[:-1], counts)
        return Relation(torch.from_numpy(start), torch.from_numpy(which[self.index[places]]), columns)


def _start(kinds: Integers, rows: NDArray[np.float32]) -> Codes:
    # Adding 0 makes -0 and 0 one number.
    bits = np.ascontiguousarray(rows + np.float32(0)).view(np.uint32).astype(np.uint64)
    codes: Codes = kinds.astype(np.uint64) * _ODD[-1]
    codes += (bits * _ODD[: bits.shape[1]]).sum(axis=1, dtype=np.uint64)
    return _mixed(codes, 3)


def _mixed(codes: Codes, salt: int) -> Codes:
    """Return codes spread over all 64 bits, otherwise for each salt."""
    mixed: Codes = (codes ^ _ODD[20 + salt]) * _ODD[30 + salt]
    mixed ^= mixed >> np.uint64(32)
    mixed *= _ODD[40 + salt]
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _unique(codes: Codes) -> tuple[Integers, Integers]:
    """Return the class of each code, and the place of one code of each class."""
    order = np.argsort(codes)
    ordered = codes[order]
    new = np.ones(len(codes), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    which = np.empty(len(codes), np.int64)
    which[order] = np.cumsum(new) - 1
    return which, order[new]
