"""Who reads whom, as compressed sparse rows: the structure that message passing works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
        order = torch.argsort(reader, stable=True)
        return Relation(_starts(torch.bincount(reader, minlength=rows)), read[order], columns)

    @cached_property
    def entry_rows(self) -> Tensor:
        """The row of each entry [entries]."""
        return torch.repeat_interleave(torch.arange(self.rows, device=self.start.device), self.start.diff())

    @cached_property
    def transposed(self) -> Relation:
        """The relation the other way: which rows read a column."""
        return Relation.of(self.entry_rows, self.index, self.columns, self.rows)

    def to(self, device: torch.device) -> Relation:
        """Return the relation on a device."""
        return Relation(self.start.to(device), self.index.to(device), self.columns)


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
    def joined(self) -> Relation:
        """Sources and readers in one relation over ``2 * columns``: column c as source is 2c, as reader 2c + 1."""
        ahead, back = self.sources, self.readers
        index = torch.empty(len(ahead.index) + len(back.index), dtype=torch.int64, device=ahead.index.device)
        index[_after(back.start[:-1], ahead)] = 2 * ahead.index
        index[_after(ahead.start[1:], back)] = 2 * back.index + 1
        return Relation(ahead.start + back.start, index, 2 * self.columns)

    def to(self, device: torch.device) -> Step:
        """Return the step on a device."""
        own = None if self.own is None else self.own.to(device)
        return Step(self.sources.to(device), self.readers.to(device), own)


def _starts(counts: Tensor) -> Tensor:
    starts = torch.zeros(len(counts) + 1, dtype=torch.int64, device=counts.device)
    torch.cumsum(counts, 0, out=starts[1:])
    return starts


def _after(others: Tensor, relation: Relation) -> Tensor:
    """Return the places of a relation's entries where those of others come before them, ``others`` [rows] so far."""
    return torch.arange(len(relation.index), device=others.device) + others[relation.entry_rows]
