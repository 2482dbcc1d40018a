"""The bare shape of networks, and an order of its nodes by which equal shapes are found equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir import Module
from .features import features
from .kernels.codes import Codes, Integers, mixed

ROUNDS = 5
"""How many steps around a node its place in the order depends on."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The shape of a network: how many nodes, and edges [2, e] between them; their directions do not count."""

    nodes: int
    edges: NDArray[np.integer]

    @staticmethod
    def of(module: Module) -> Skeleton:
        """Return the skeleton of a module. Raises NascError where types cannot be inferred."""
        found = features(module)
        return Skeleton(len(found.kinds), found.edges)


@dataclass(frozen=True, eq=False)
class Skeletons:
    """Skeletons side by side: ``sizes`` [g], and each edge once as ``low`` and ``high`` [e], low < high, rising."""

    sizes: Integers
    low: Integers
    high: Integers

    @staticmethod
    def of(skeletons: Sequence[Skeleton]) -> Skeletons:
        """Return skeletons side by side, without loops."""
        sizes = np.array([one.nodes for one in skeletons], np.int64)
        edges = np.concatenate([np.zeros((2, 0), np.int64), *(one.edges for one in skeletons)], axis=1)
        edges = edges + np.repeat(np.cumsum(sizes) - sizes, [one.edges.shape[1] for one in skeletons])
        return _side_by_side(sizes, edges.min(axis=0), edges.max(axis=0))

    @property
    def nodes(self) -> int:
        """How many nodes all graphs have."""
        return int(self.sizes.sum())

    @property
    def graph(self) -> Integers:
        """The graph of each node [n]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def adjacency(self) -> Any:
        """The adjacency matrix of all graphs, a compressed sparse matrix of unsigned integers."""
        from scipy.sparse import coo_array

        rows, columns = np.concatenate([self.low, self.high]), np.concatenate([self.high, self.low])
        return coo_array((np.ones(len(rows), np.uint64), (rows, columns)), shape=(self.nodes, self.nodes)).tocsr()

    def ordered(self) -> Skeletons:
        """Return the same graphs with their nodes in another order, which isomorphic graphs mostly share.

        Nodes stand by what lies around them, and those that look alike by their first neighbour.
        """
        lowest = np.arange(self.nodes)
        lowest[self.high[::-1]] = self.low[::-1]  # the last that is written, the lowest, stays
        bits = np.uint64(len(self.sizes).bit_length())
        keys = (self.graph.astype(np.uint64) << (np.uint64(64) - bits)) | (self._codes() >> bits)
        return self._in_order(np.lexsort((lowest, keys)))

    def narrowed(self) -> Skeletons:
        """Return the same graphs with their nodes in an order in which neighbours stand near each other."""
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        if not self.nodes:
            return self
        order = reverse_cuthill_mckee(self.adjacency, symmetric_mode=True)
        return self._in_order(order[np.argsort(self.graph[order], kind="stable")])

    def _in_order(self, order: Integers) -> Skeletons:
        """Return the same graphs with their nodes in an order [n] in which each graph keeps its place."""
        place = np.empty(self.nodes, np.int64)
        place[order] = np.arange(self.nodes)
        low, high = place[self.low], place[self.high]
        return _side_by_side(self.sizes, np.minimum(low, high), np.maximum(low, high))

    def _codes(self) -> Codes:
        """Return a hash [n] of what lies within ``ROUNDS`` steps of each node."""
        degrees = np.bincount(np.concatenate([self.low, self.high]), minlength=self.nodes)
        codes = mixed(degrees.astype(np.uint64), 0)
        for _ in range(ROUNDS):
            codes = mixed(codes, 0) + self.adjacency @ mixed(codes, 1)
        return codes

    def apart(self) -> list[Skeleton]:
        """Return the skeletons one by one, the edges of each as low and high, rising."""
        graph = self.graph[self.low]
        first = (np.cumsum(self.sizes) - self.sizes)[graph]
        ends = np.cumsum(np.bincount(graph, minlength=len(self.sizes)))
        edges = np.split(np.stack([self.low - first, self.high - first]), ends, axis=1)[:-1]
        return [Skeleton(size, some) for size, some in zip(self.sizes.tolist(), edges, strict=True)]


def _side_by_side(sizes: Integers, low: Integers, high: Integers) -> Skeletons:
    nodes = max(int(sizes.sum()), 1)
    codes = np.sort((low * nodes + high)[low != high])
    once = np.ones(len(codes), bool)
    np.not_equal(codes[1:], codes[:-1], out=once[1:])
    low, high = np.divmod(codes[once], nodes)
    return Skeletons(sizes, low, high)
