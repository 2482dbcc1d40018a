"""Repairs of an alignment: matches exchanged where the script becomes shorter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from .consistency import Reading
from .dag import Edge
from .pairing import Pairing

ROUNDS = 4
CANDIDATES = 12
DOUBTFUL = 256
NEAR = 48
EDGE = 0.05
TIE, WISH = 0.001, 0.3


def without_far(pairing: Pairing) -> Pairing:
    """Return a matching without the pairs that agree with nothing around them."""
    inner = [(x, y) for x, y in pairing.pairs() if pairing.a.node(x) and pairing.b.node(y)]
    lonely = [x for x, y in inner if not pairing.same_first(x, y) and not pairing.agreeing(x, y)]
    return parted(pairing, lonely) if lonely else pairing


def parted(pairing: Pairing, some: Iterable[int] = ()) -> Pairing:
    """Return a copy of a matching without some vertices of the first graph."""
    new = copy(pairing)
    new.to, new.back = list(pairing.to), list(pairing.back)
    for x in some:
        new.part(x)
    return new


def repaired(pairing: Pairing, name: float = TIE) -> Pairing:
    """Return a matching after exchanges each of which makes the script shorter around the place.

    Looked at are the first few hundred vertices that the script speaks of; candidates for one are the vertices near
    the partners of its neighbours. ``name`` is what it counts that two vertices have one path, an entry counting 1.
    """
    repair = _Repair(parted(pairing), name)
    changed = False
    for turn in range(ROUNDS):
        pairs = repair.proposals()
        if not [pair for pair in (reversed(pairs) if turn % 2 else pairs) if repair.improve(*pair)]:
            break
        changed = True
    return repair.pairing if changed else pairing


@dataclass
class _Repair:
    pairing: Pairing
    name: float

    def proposals(self) -> list[tuple[int, int]]:
        """Return the pairs to try."""
        pairing = self.pairing
        reading = Reading(pairing)
        doubtful = [x for x in range(len(pairing.to)) if pairing.a.node(x) and self._entries(reading, x)]
        extra = [y for y, x in enumerate(pairing.back) if x < 0]
        found = [(x, y) for x in doubtful[:DOUBTFUL] for y in self._candidates(x, False)]
        return found + [(x, y) for y in extra[:DOUBTFUL] for x in self._candidates(y, True)]

    def _candidates(self, vertex: int, flipped: bool) -> list[int]:
        """Return vertices of the other graph that stand where this one does, nearly."""
        here, there = (self.pairing.b, self.pairing.a) if flipped else (self.pairing.a, self.pairing.b)
        to = self.pairing.back if flipped else self.pairing.to
        found: dict[int, None] = {}
        for own, other in ((here.preds, there.succs), (here.succs, there.preds)):
            for neighbour, tag in own[vertex][:CANDIDATES]:
                if to[neighbour] >= 0:
                    beside = other[to[neighbour]][: CANDIDATES * 2]
                    found.update((y, None) for y, its in beside if its == tag)
                    found[to[neighbour]] = None
        kind = here.kinds[vertex]
        return [y for y in found if there.kinds[y] == kind and y != to[vertex]][:CANDIDATES]

    def improve(self, x: int, y: int) -> bool:
        """Match two vertices where that makes the script shorter; return whether it did."""
        old, other = self.pairing.to[x], self.pairing.back[y]
        if old == y or not (self.pairing.a.node(x) and self.pairing.b.node(y)):
            return False
        around = self._around([x, other], [y, old])
        self.pairing.exchange(x, y)
        around |= self._around([x, other], [y, old])
        after = self._cost(around)
        self.pairing.undo(x, y, old, other)
        if after >= self._cost(around) - 1e-9:
            return False
        self.pairing.exchange(x, y)
        return True

    def _around(self, some: Sequence[int], others: Sequence[int]) -> set[int]:
        """Return the vertices of the first graph whose reading may depend on these of both."""
        pairing = self.pairing
        found = set(below(pairing.a.succs, some, pairing.to))
        return found | {x for y in below(pairing.b.succs, others, pairing.back) if (x := pairing.back[y]) >= 0}

    def _cost(self, around: Iterable[int]) -> float:
        reading = Reading(self.pairing)
        return sum(self._entries(reading, x) - self._harmony(x) for x in around)

    def _entries(self, reading: Reading, x: int) -> int:
        """Return the entries that a vertex of the first graph makes; an unmatched one leaves another unmatched."""
        y = self.pairing.to[x]
        if y < 0:
            return 2
        return int(self.pairing.a.labels[x] != self.pairing.b.labels[y] or not reading.same(x, y))

    def _harmony(self, x: int) -> float:
        y = self.pairing.to[x]
        return EDGE * self.pairing.agreeing(x, y) + self.name * self.pairing.namesakes(x, y) if y >= 0 else 0.0


def below(succs: Sequence[Sequence[Edge]], starts: Iterable[int], matched: Sequence[int]) -> list[int]:
    """Return some vertices and those that read them, through unmatched ones, up to a few dozen."""
    found = dict.fromkeys(start for start in starts if start >= 0)
    waiting = list(found)
    first = set(waiting)
    while waiting and len(found) < NEAR:
        vertex = waiting.pop()
        for user, _ in succs[vertex][:NEAR]:
            if user not in found:
                found[user] = None
                if matched[user] < 0 and user not in first:
                    waiting.append(user)
    return list(found)
