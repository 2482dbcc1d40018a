"""A partial matching of two graphs, and the evidence for the pairs that it may take in next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .dag import Dag, Edge

CROWD = 256
"""Pairs of neighbours looked at for one pair of edges; of more (a mask that a thousand layers read), only some."""
FEW = 16


@dataclass
class Pairing:
    """Which vertex of ``a`` is which of ``b``; -1 where it is none yet.

    ``votes`` counts, for a pair that may be taken in, the matched pairs right above and right below it.
    """

    a: Dag
    b: Dag
    to: list[int] = field(init=False)
    back: list[int] = field(init=False)
    votes: dict[tuple[int, int], list[int]] = field(default_factory=lambda: dict[tuple[int, int], list[int]]())

    def __post_init__(self) -> None:
        """Match nothing."""
        self.to = [-1] * len(self.a)
        self.back = [-1] * len(self.b)

    def free(self, x: int, y: int) -> bool:
        """Return whether neither vertex is matched."""
        return self.to[x] < 0 and self.back[y] < 0

    def namesakes(self, x: int, y: int) -> bool:
        """Return whether two vertices have one path: it breaks ties and decides nothing else."""
        before, after = self.a.node(x), self.b.node(y)
        return before is not None and after is not None and before.path == after.path != ""

    def join(self, x: int, y: int) -> None:
        """Match two vertices."""
        self.to[x] = y
        self.back[y] = x

    def part(self, x: int) -> None:
        """Undo the match of a vertex of ``a``."""
        self.back[self.to[x]] = -1
        self.to[x] = -1

    def exchange(self, x: int, y: int) -> tuple[int, int]:
        """Match two vertices, and what they were matched with if it is of one op; return these, -1 for none.

        A ``y`` of -1 leaves ``x`` without a match.
        """
        old, other = self.to[x], self.back[y] if y >= 0 else -1
        if old >= 0:
            self.part(x)
        if other >= 0:
            self.part(other)
        if y >= 0:
            self.join(x, y)
        if old >= 0 and other >= 0 and self.a.kinds[other] == self.b.kinds[old]:
            self.join(other, old)
        return old, other

    def undo(self, x: int, y: int, old: int, other: int) -> None:
        """Undo an exchange that returned ``old`` and ``other``."""
        if y >= 0:
            self.part(x)
        if other >= 0 and self.to[other] >= 0:
            self.part(other)
        if old >= 0:
            self.join(x, old)
        if other >= 0:
            self.join(other, y)

    def pairs(self) -> list[tuple[int, int]]:
        """Return the matched vertices."""
        return [(x, y) for x, y in enumerate(self.to) if y >= 0]

    def unmatched(self) -> tuple[list[int], list[int]]:
        """Return the vertices of each graph that are not matched."""
        return [x for x, y in enumerate(self.to) if y < 0], [y for y, x in enumerate(self.back) if x < 0]

    def vote(self, x: int, y: int) -> list[tuple[int, int]]:
        """Let a new pair vote for the pairs around it, and return these."""
        touched: list[tuple[int, int]] = []
        for side, edges_a, edges_b in ((0, self.a.succs[x], self.b.succs[y]), (1, self.a.preds[x], self.b.preds[y])):
            for pair in self._around(edges_a, edges_b):
                self.votes.setdefault(pair, [0, 0])[side] += 1
                touched.append(pair)
        return touched

    def _around(self, edges_a: Sequence[Edge], edges_b: Sequence[Edge]) -> Iterable[tuple[int, int]]:
        """Return the pairs of unmatched ends of edges with one tag."""
        if len(edges_a) * len(edges_b) > FEW:
            return self._grouped(edges_a, edges_b)
        to, back = self.to, self.back
        return [(x, y) for x, tag in edges_a if to[x] < 0 for y, its in edges_b if its == tag and back[y] < 0]

    def _grouped(self, edges_a: Sequence[Edge], edges_b: Sequence[Edge]) -> Iterator[tuple[int, int]]:
        tags: defaultdict[int, list[int]] = defaultdict(list)
        for other, tag in edges_b:
            if self.back[other] < 0:
                tags[tag].append(other)
        waiting: defaultdict[int, list[int]] = defaultdict(list)
        for other, tag in edges_a:
            if self.to[other] < 0 and tag in tags:
                waiting[tag].append(other)
        for tag, some in waiting.items():
            yield from self._alike(some, tags[tag])

    def _alike(self, some: Sequence[int], others: Sequence[int]) -> Iterator[tuple[int, int]]:
        if len(some) * len(others) <= CROWD:
            yield from ((x, y) for x in some for y in others)
            return
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for y in others:
            groups[self.b.labels[y]].append(y)
        taken: defaultdict[int, int] = defaultdict(int)
        for x in some:
            label = self.a.labels[x]
            if taken[label] < len(groups[label]):
                yield x, groups[label][taken[label]]
                taken[label] += 1

    def certainty(self, x: int, y: int) -> tuple[float, float]:
        """Return the shares of the edges into and out of a pair that agree, 1 where there is none."""
        above, below = self.votes.get((x, y), (0, 0))
        ins = max(len(self.a.preds[x]), len(self.b.preds[y]))
        outs = max(len(self.a.succs[x]), len(self.b.succs[y]))
        return (above / ins if ins else 1.0), (below / outs if outs else 1.0)

    def same_first(self, x: int, y: int) -> bool:
        """Return whether the first edges into two vertices agree."""
        before, after = self.a.preds[x], self.b.preds[y]
        return bool(before and after) and (self.to[before[0][0]], before[0][1]) == after[0]

    def in_place(self, x: int, y: int) -> tuple[bool, bool]:
        """Return whether two vertices read a matched value in common, in whatever place, and have a reader in common.

        Unmatched vertices between are passed over: they were inserted or deleted.
        """
        a, b = self.a, self.b
        above = nearest(a.preds, x, self.to) & {self.back[v] for v in nearest(b.preds, y, self.back)}
        below = nearest(a.succs, x, self.to) & {self.back[v] for v in nearest(b.succs, y, self.back)}
        return bool(above), bool(below)

    def agreeing(self, x: int, y: int) -> int:
        """Return how many edges of a pair lead to matched vertices in both graphs, counted anew."""
        count = 0
        for edges_a, edges_b in ((self.a.preds[x], self.b.preds[y]), (self.a.succs[x], self.b.succs[y])):
            wanted = [(self.to[other], tag) for other, tag in edges_a if self.to[other] >= 0]
            count += shared(wanted, edges_b)
        return count


def nearest(edges: Sequence[Sequence[Edge]], start: int, matched: Sequence[int]) -> set[int]:
    """Return the matched vertices next to a vertex, unmatched ones passed over, some dozens at most."""
    found: set[int] = set()
    seen = [start]
    for vertex in seen:
        for other, _ in edges[vertex][:CROWD]:
            if matched[other] >= 0:
                found.add(other)
            elif other not in seen and len(seen) < FEW:
                seen.append(other)
    return found


def shared(wanted: Iterable[Edge], present: Iterable[Edge]) -> int:
    """Return the size of the intersection of two multisets of edges."""
    counts: dict[Edge, int] = {}
    for edge in present:
        counts[edge] = counts.get(edge, 0) + 1
    total = 0
    for edge in wanted:
        if counts.get(edge, 0):
            counts[edge] -= 1
            total += 1
    return total
