"""Many variants of one graph that differ from it in a few nodes, without a copy of the graph for each.

A layer of message passing carries a change one edge further, so after k layers a variant differs from the graph only
where a changed node is at most k edges away. Those states alone are computed; every other state is the graph's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .portable import sums
from .relation import Relation, Step, starts

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Changed:
    """States that differ from the graph's: of which variant and node [p] each, variants rising."""

    variant: Tensor
    node: Tensor


@dataclass(frozen=True, eq=False)
class Variants:
    """What to compute for all variants of a graph of ``nodes`` nodes.

    States before the first layer are those of the graph's nodes and then those of ``first``; each of ``steps`` makes
    the graph's states and then the changed ones, at last those of ``last``.
    """

    count: int
    nodes: int
    first: Changed
    steps: tuple[Step, ...]
    last: Changed

    def pooled(self, values: Tensor, kept: Tensor) -> Tensor:
        """Return the sums over the nodes of each variant [count, d] of values [nodes + len(last), d].

        ``kept`` [len(last), 1] is 0 for changed states that do not count and 1 for the others.
        """
        own, changed = values[: self.nodes], values[self.nodes :]
        apart = changed * kept - own.index_select(0, self.last.node)
        every = torch.arange(len(apart), device=values.device)
        start = starts(torch.bincount(self.last.variant, minlength=self.count))
        return own.sum(0) + sums(apart, Relation(start, every, len(apart)))

    def to(self, device: torch.device) -> Variants:
        """Return the same on a device."""
        first, last = (Changed(part.variant.to(device), part.node.to(device)) for part in (self.first, self.last))
        return replace(self, first=first, steps=tuple(step.to(device) for step in self.steps), last=last)

    @staticmethod
    def of(edges: NDArray[np.integer], changed: NDArray[np.bool_], layers: int) -> Variants:
        """Return what to compute where variants differ in ``changed`` nodes [v, n] from a graph with edges [2, e]."""
        count, nodes = changed.shape
        source, target = edges.astype(np.int64)
        ahead, back = _Adjacency.of(source, target, nodes), _Adjacency.of(target, source, nodes)
        column = np.tile(np.arange(nodes), count)
        keys = np.flatnonzero(changed)
        first = _changed(keys, nodes)
        steps: list[Step] = []
        for _ in range(layers):
            known = nodes + len(keys)
            column[keys] = nodes + np.arange(len(keys))
            keys = _grown(keys, (ahead, back), changed.size)
            sources, readers = (_relation(keys, near, column, known) for near in (ahead, back))
            own = np.concatenate([np.arange(nodes), column[keys]])
            steps.append(Step(sources, readers, torch.from_numpy(own)))
        return Variants(count, nodes, first, tuple(steps), _changed(keys, nodes))


@dataclass(frozen=True)
class _Adjacency:
    """Neighbours of each node: those of node i are ``index[start[i]:start[i + 1]]``."""

    start: Integers
    index: Integers

    @staticmethod
    def of(read: Integers, reader: Integers, nodes: int) -> _Adjacency:
        start = np.zeros(nodes + 1, np.int64)
        np.cumsum(np.bincount(reader, minlength=nodes), out=start[1:])
        return _Adjacency(start, read[np.argsort(reader, kind="stable")])

    def near(self, keys: Integers) -> tuple[Integers, Integers]:
        """Return how many neighbours each state has [p], and their keys, all in one list."""
        nodes = len(self.start) - 1
        variant, node = np.divmod(keys, nodes)
        counts = self.start[node + 1] - self.start[node]
        first = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(self.start[node] - first, counts)
        return counts, self.index[places] + np.repeat(variant * nodes, counts)


def _changed(keys: Integers, nodes: int) -> Changed:
    variant, node = np.divmod(keys, nodes)
    return Changed(torch.from_numpy(variant), torch.from_numpy(node))


def _grown(keys: Integers, adjacencies: Sequence[_Adjacency], size: int) -> Integers:
    """Return the keys of these states and their neighbours, rising."""
    flags = np.zeros(size, dtype=bool)
    flags[keys] = True
    for adjacency in adjacencies:
        flags[adjacency.near(keys)[1]] = True
    return np.flatnonzero(flags)


def _relation(keys: Integers, adjacency: _Adjacency, column: Integers, columns: int) -> Relation:
    """Return what the graph's nodes read, and then what the changed states read of the layer before."""
    counts, near = adjacency.near(keys)
    start = np.concatenate([adjacency.start, adjacency.start[-1] + np.cumsum(counts)])
    index = np.concatenate([adjacency.index, column[near]])
    return Relation(torch.from_numpy(start), torch.from_numpy(index), columns)
