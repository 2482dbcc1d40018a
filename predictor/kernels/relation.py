"""Who reads whom, as compressed sparse rows: the structure that message passing works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Relation:
    """Rows that each read some members of a set of ``columns``.

    Row i reads ``index[start[i]:start[i + 1]]``; ``start`` [rows + 1] and ``index`` [entries] are int64.
    """

    start: Tensor
    index: Tensor
    columns: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.start) - 1

    @staticmethod
    def of(read: Tensor, reader: Tensor, rows: int, columns: int) -> Relation:
        """Return the relation in which row ``reader[k]`` reads column ``read[k]``, entries [e] in any order."""
        if reader.is_cuda:  # nothing here waits for the GPU
            rising, order = reader.sort(stable=True)
            edges = torch.arange(rows + 1, device=reader.device)
            return Relation(torch.searchsorted(rising, edges), read.index_select(0, order), columns)
        # NumPy sorts keys that almost rise faster than torch does.
        order = torch.from_numpy(np.argsort(reader.numpy(), kind="stable"))
        return Relation(starts(torch.bincount(reader, minlength=rows)), read.index_select(0, order), columns)

    @cached_property
    def entry_rows(self) -> Tensor:
        """The row of each entry [entries]."""
        return _repeated(torch.arange(self.rows, device=self.start.device), self.start.diff())

    @cached_property
    def transposed(self) -> Relation:
        """The relation the other way: which rows read a column."""
        return Relation.of(self.entry_rows, self.index, self.columns, self.rows)

    def to(self, device: torch.device) -> Relation:
        """Return the relation on a device."""
        return Relation(self.start.to(device), self.index.to(device), self.columns)


WAYS = 3
"""How a row reads a state: as the one that it continues, as a source, as a reader."""


@dataclass(frozen=True, eq=False)
class Joined(Relation):
    """All that rows read in one relation, over ``WAYS`` columns for each state.

    State c is ``3 c`` as what a row continues, ``3 c + 1`` as a source, ``3 c + 2`` as a reader; a row reads in that
    order.
    """

    @cached_property
    def own(self) -> Tensor:
        """The state that each row continues [rows]."""
        return self.index[self.start[:-1]] // WAYS


@dataclass(frozen=True, eq=False)
class Step:
    """What one layer of message passing reads: for each state that it makes, states of the layer before.

    ``own`` [rows] is the state that a row continues (None: row i continues state i), ``sources`` are the states
    of the nodes that it reads, ``readers`` of those that read it.
    """

    sources: Relation
    readers: Relation
    own: Tensor | None = None

    @staticmethod
    def of(source: Tensor, target: Tensor, nodes: int) -> Step:
        """Return the step over a graph, or many side by side, with edges from ``source`` to ``target`` [e]."""
        return Step(Relation.of(source, target, nodes, nodes), Relation.of(target, source, nodes, nodes))

    @property
    def rows(self) -> int:
        """How many states the step makes."""
        return self.sources.rows

    @property
    def columns(self) -> int:
        """How many states the step reads."""
        return self.sources.columns

    def owned(self, states: Tensor) -> Tensor:
        """Return the states [rows, width] that the rows continue, of states [columns, width]."""
        return states if self.own is None else states.index_select(0, self.own)

    @cached_property
    def ownership(self) -> Relation:
        """``own`` as a relation of one entry a row."""
        here = self.sources.start.device
        own = torch.arange(self.rows, device=here) if self.own is None else self.own
        return Relation(torch.arange(self.rows + 1, device=here), own, self.columns)

    @cached_property
    def joined(self) -> Joined:
        """All three in one relation."""
        own, sources, readers = self.ownership, self.sources, self.readers
        start = own.start + sources.start + readers.start
        index = torch.empty(int(start[-1]), dtype=torch.int64, device=start.device)
        index.index_copy_(0, start[:-1], WAYS * own.index)
        before = start[:-1] + 1, start[1:] - readers.start.diff()
        for way, (first, part) in enumerate(zip(before, (sources, readers), strict=True), 1):
            places = _repeated(first - part.start[:-1], part.start.diff())
            places += torch.arange(len(places), device=start.device)
            index.index_copy_(0, places, WAYS * part.index + way)
        return Joined(start, index, WAYS * self.columns)

    def to(self, device: torch.device) -> Step:
        """Return the step on a device."""
        own = None if self.own is None else self.own.to(device)
        return Step(self.sources.to(device), self.readers.to(device), own)


def starts(counts: Tensor) -> Tensor:
    """Return where each of so many entries begin [n + 1], for counts [n] of whole numbers."""
    found = counts.new_zeros(len(counts) + 1)
    torch.cumsum(counts, 0, out=found[1:])
    return found


def _repeated(values: Tensor, counts: Tensor) -> Tensor:
    """Return each of the values [n] as often as counts [n] say."""
    if values.is_cuda:
        return torch.repeat_interleave(values, counts)
    return torch.from_numpy(np.repeat(values.numpy(), counts.numpy()))
