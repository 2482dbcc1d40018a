"""Paths of a network from its inputs to its ends, for many masked variants at once.

Carriers that follow one another with nothing between them are one link: its weights are sums over its carriers, made
for all links at once. Longest and shortest paths are dynamic programmes over links in topological order; the mean
length is linear in the weights, so that one pass back over the links serves all variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Links:
    """Chains of carriers: ``order`` [n] lists carriers link by link, each from its ``start`` on.

    ``sources`` are the links that each reads, all of them before it; ``ends`` are read by none.
    """

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    sources: tuple[tuple[int, ...], ...]
    ends: tuple[int, ...]

    @staticmethod
    def of(sources: Sequence[Sequence[int]]) -> Links:
        """Return the links of carriers with these sources, carriers in topological order."""
        readers = np.zeros(len(sources), np.int64)
        for group in sources:
            for source in group:
                readers[source] += 1
        links: list[list[int]] = []
        read: list[tuple[int, ...]] = []
        place: list[int] = []
        for i, group in enumerate(sources):
            if len(group) == 1 and readers[group[0]] == 1:
                place.append(place[group[0]])
                links[place[i]].append(i)
            else:
                place.append(len(links))
                read.append(tuple(place[source] for source in group))
                links.append([i])
        lengths = np.array([len(link) for link in links], np.int64)
        order = np.array([i for link in links for i in link], np.int64)
        ends = tuple(k for k, link in enumerate(links) if not readers[link[-1]])
        return Links(order, np.cumsum(lengths) - lengths, tuple(read), ends)

    def longest(self, weights: Array) -> Array:
        """Return the largest sum of weights over a path [...] for weights [links, ...], which are overwritten."""
        return self._walk(weights, np.maximum)

    def shortest(self, weights: Array) -> Array:
        """Return the smallest sum of weights over a path [...] for weights [links, ...], which are overwritten."""
        return self._walk(weights, np.minimum)

    def _walk(self, weights: Array, choose: np.ufunc) -> Array:
        for here, group in zip(weights, self.sources, strict=True):
            if group:
                here += reduce(choose, [weights[source] for source in group])
        chosen: Array = reduce(choose, [weights[end] for end in self.ends])
        return chosen

    def widest(self, bounds: Array, joined: NDArray[np.bool_]) -> Array:
        """Return the most that passes from the inputs to the ends [...] where carriers let ``bounds`` [n, ...] through.

        What branches let through counts together before a carrier that is ``joined`` [n], else the widest of them.
        """
        table = np.minimum.reduceat(bounds[self.order], self.start, axis=0)
        for here, first, group in zip(table, self.order[self.start], self.sources, strict=True):
            if group:
                gather = np.add if joined[first] else np.maximum
                np.minimum(here, reduce(gather, [table[source] for source in group]), out=here)
        chosen: Array = reduce(np.maximum, [table[end] for end in self.ends])
        return chosen

    def shares(self) -> Array:
        """Return how much the weight of each carrier counts in the mean length of a path [n].

        The mean is over the ends, and before each link over those that it reads.
        """
        share = np.zeros(len(self.sources))
        share[list(self.ends)] = 1 / len(self.ends)
        for k in reversed(range(len(share))):
            for source in self.sources[k]:
                share[source] += share[k] / len(self.sources[k])
        carriers = np.empty(len(self.order))
        carriers[self.order] = np.repeat(share, np.diff(self.start, append=len(self.order)))
        return carriers

    def paths(self) -> float:
        """Return the natural logarithm of the number of paths."""
        counts = np.zeros(len(self.sources))
        for k, group in enumerate(self.sources):
            if group:
                counts[k] = np.logaddexp.reduce(counts[list(group)])
        return float(np.logaddexp.reduce(counts[list(self.ends)]))


def path_lengths(links: Links, weights: Array, kept: Array) -> tuple[Array, Array, Array, float]:
    """Return the longest, mean and shortest lengths of paths [3, variants], and the logarithm of how many there are.

    ``weights`` [n, 4] are those of the carriers, of which variants keep ``kept`` [variants, n], 0 or 1. Longest paths
    are by columns 0 to 2, the others by columns 1 to 3.
    """
    counted = np.ascontiguousarray(kept.T)[links.order]
    parts = [np.add.reduceat(counted * column[links.order, None], links.start, axis=0) for column in weights.T]
    table = np.stack(parts, axis=1)
    mean = (links.shares()[:, None] * weights[:, 1:]).T @ kept.T
    shortest = links.shortest(table[:, 1:].copy())
    return links.longest(table[:, :3]), mean, shortest, links.paths()
