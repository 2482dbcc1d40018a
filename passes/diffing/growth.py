"""Alignment of two graphs: anchors where everything above or below is the same, then growth along edges.

Pairs are taken in best first. Each one votes for the pairs around it, so that the matching grows from what is sure
over what is changed to what was moved; each level admits weaker evidence than the one before, and after every pair
the surer ones that it made possible go first. Each edge votes once, so the cost is near-linear.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from .colours import Local, Whole, agreement, local
from .dag import Dag, Edge, Vocabulary
from .pairing import Pairing

RADIUS = 6
REACH = 3
BRANCHES = 12
SURE, CHANGED, SKIPPED, TIED, WEAK, REPLACED = range(6)


class Growth:
    """The state of one alignment."""

    def __init__(self, pairing: Pairing, whole_a: Whole, whole_b: Whole, vocabulary: Vocabulary) -> None:
        self.pairing = pairing
        self.whole = whole_a, whole_b
        self.vocabulary = vocabulary
        self.level = SURE
        self.heap: list[tuple[float, bool, int, int, int]] = []
        self.later: list[tuple[int, int]] = []
        self.skips: dict[tuple[int, int], float] = {}
        self.local: tuple[Local, Local] | None = None
        self.rivals_of_a: defaultdict[int, dict[int, None]] = defaultdict(dict)
        self.rivals_of_b: defaultdict[int, dict[int, None]] = defaultdict(dict)

    def run(self) -> None:
        """Match all that can be matched."""
        self._ends()
        self._anchors()
        for level in (SURE, CHANGED, SKIPPED, TIED, WEAK, REPLACED):
            self.level = level
            self._seed()
            if level == SKIPPED:
                for x in self._edge():
                    self._look_beyond(x, self.pairing.to[x])
            self._readmit()
            self._grow()
        self._far()
        self._readmit()
        self._grow()

    def _edge(self) -> list[int]:
        """Return the matched vertices of the first graph next to unmatched ones."""
        a, to = self.pairing.a, self.pairing.to
        beside = (v for x in self.pairing.unmatched()[0] for edges in (a.preds[x], a.succs[x]) for v, _ in edges)
        return sorted({v for v in beside if to[v] >= 0})

    def _ends(self) -> None:
        a, b = self.pairing.a, self.pairing.b
        inputs = min(len(a.graph.inputs), len(b.graph.inputs))
        for place in range(inputs):
            self._take(place, place)
        self._take(len(a) - 1, len(b) - 1)

    def _anchors(self) -> None:
        """Match vertices that alone have their colour: of all above them first, so that what is added stands last."""
        one, other = self.whole
        both = list(zip(one.up, one.down, strict=True)), list(zip(other.up, other.down, strict=True))
        for before, after in ((one.up, other.up), both, (one.down, other.down)):
            self._unique(dict(enumerate(before)), dict(enumerate(after)))
        self._grow()

    def _unique(self, colours_a: dict[int, object], colours_b: dict[int, object]) -> None:
        """Match vertices whose colour no other unmatched vertex has."""
        free = self.pairing
        some = {v: c for v, c in colours_a.items() if free.to[v] < 0}
        others = {v: c for v, c in colours_b.items() if free.back[v] < 0}
        counts_a, counts_b = Counter(some.values()), Counter(others.values())
        places = {colour: v for v, colour in others.items() if counts_b[colour] == 1}
        for x, colour in some.items():
            if counts_a[colour] == 1 and colour in places:
                self._take(x, places[colour])

    def _seed(self) -> None:
        """Match vertices that look alike for some steps and like no other, the widest view first."""
        rest = self.pairing.unmatched()
        if not rest[0] or not rest[1]:
            return
        numbers = [x if x >= 0 else -1 for x in self.pairing.back]
        own = [x if y >= 0 else -1 for x, y in enumerate(self.pairing.to)]
        one = local(self.pairing.a, rest[0], own, RADIUS, self.vocabulary)
        other = local(self.pairing.b, rest[1], numbers, RADIUS, self.vocabulary)
        self.local = one, other
        for radius in range(RADIUS, 0, -1):
            self._unique(
                {v: (one.up[v][radius], one.down[v][radius]) for v in rest[0]},
                {v: (other.up[v][radius], other.down[v][radius]) for v in rest[1]},
            )
            self._grow()

    def _far(self) -> None:
        """Match what is alike and left over on both sides: it was moved."""
        rest = self.pairing.unmatched()
        a, b = self.pairing.a, self.pairing.b
        self._unique({v: a.labels[v] for v in rest[0]}, {v: b.labels[v] for v in rest[1]})

    def _take(self, x: int, y: int) -> None:
        if not self.pairing.free(x, y):
            return
        self.pairing.join(x, y)
        for pair in self.pairing.vote(x, y):
            self._offer(*pair)
        if self.level >= SKIPPED:
            self._look_beyond(x, y)

    def _offer(self, x: int, y: int) -> None:
        strength = self._strength(x, y)
        self.rivals_of_a[x][y] = self.rivals_of_b[y][x] = None
        if strength <= 0:
            self.later.append((x, y))
        else:
            heappush(self.heap, (-strength, not self.pairing.namesakes(x, y), abs(x - y), x, y))

    def _readmit(self) -> None:
        later, self.later = self.later, []
        for x, y in later:
            if self.pairing.free(x, y):
                self._offer(x, y)

    def _grow(self) -> None:
        while self.heap:
            strength, _, _, x, y = heappop(self.heap)
            if not self.pairing.free(x, y):
                continue
            if self.level < TIED and self._tied(x, y, -strength):
                self.later.append((x, y))
            else:
                self._take(x, y)

    def _tied(self, x: int, y: int, strength: float) -> bool:
        """Return whether one of two vertices could as well be matched with a third."""
        rivals = [(x, other) for other in self.rivals_of_a.get(x, ()) if other != y]
        rivals += [(other, y) for other in self.rivals_of_b.get(y, ()) if other != x]
        return any(self.pairing.free(v, w) and self._strength(v, w) >= strength for v, w in rivals[: BRANCHES * 2])

    def _strength(self, x: int, y: int) -> float:
        """Return how good the evidence for a pair is, 0 where it does not do on this level."""
        a, b = self.pairing.a, self.pairing.b
        above, below = self.pairing.certainty(x, y)
        sure = max(above if a.preds[x] else 0.0, below if a.succs[x] else 0.0)
        if a.labels[x] == b.labels[y]:
            return self._same(x, y, sure, above + below)
        if a.node(x) is None or b.node(y) is None:
            return 0.0
        if a.kinds[x] == b.kinds[y]:
            admitted = above + below >= 2 if self.level < WEAK else self.level >= WEAK
            return (above + below) / 2 if admitted and self.level >= CHANGED else 0.0
        return (above + below) / 8 if self.level >= REPLACED and above + below >= 2 else 0.0

    def _same(self, x: int, y: int, sure: float, both: float) -> float:
        skip = self.skips.get((x, y), 0.0)
        if self.level < SKIPPED and sure < 1:
            return 0.0
        one, other = self.whole
        alike = (one.up[x] == other.up[y]) + (one.down[x] == other.down[y])
        return 2 + max(sure, skip) + both / 4 + alike / 16

    def _look_beyond(self, x: int, y: int) -> None:
        """Offer the pairs that follow a pair when unmatched vertices between are passed over."""
        pairing, colours = self.pairing, self.local
        if colours is None:
            return
        for edges_a, edges_b, view_a, view_b in (
            (pairing.a.succs, pairing.b.succs, colours[0].down, colours[1].down),
            (pairing.a.preds, pairing.b.preds, colours[0].up, colours[1].up),
        ):
            some = reach(edges_a, x, pairing.to)
            others = reach(edges_b, y, pairing.back) if some else []
            for v, steps in some:
                for w, more in others:
                    if steps + more > 2 and pairing.a.labels[v] == pairing.b.labels[w]:
                        view = agreement(view_a.get(v), view_b.get(w)) / RADIUS
                        self._skip(v, w, 0.3 + view / 2 - (steps + more - 3) / 16)

    def _skip(self, x: int, y: int, strength: float) -> None:
        if strength > self.skips.get((x, y), 0.0):
            self.skips[x, y] = strength
            self._offer(x, y)


def reach(edges: Sequence[Sequence[Edge]], start: int, matched: Sequence[int]) -> list[tuple[int, int]]:
    """Return the unmatched vertices within a few steps over unmatched ones, nearest first, and how far they are."""
    found: dict[int, int] = {}
    queue: deque[tuple[int, int]] = deque([(start, 0)])
    while queue and len(found) < BRANCHES:
        vertex, steps = queue.popleft()
        for other in _new(edges[vertex][: BRANCHES * 4], matched, found):
            found[other] = steps + 1
            if steps + 1 < REACH:
                queue.append((other, steps + 1))
    return list(found.items())[:BRANCHES]


def _new(edges: Iterable[Edge], matched: Sequence[int], found: dict[int, int]) -> list[int]:
    return list(dict.fromkeys(other for other, _ in edges if matched[other] < 0 and other not in found))


def align(a: Dag, b: Dag, whole_a: Whole, whole_b: Whole, vocabulary: Vocabulary) -> Pairing:
    """Return a matching of the vertices of two graphs."""
    pairing = Pairing(a, b)
    Growth(pairing, whole_a, whole_b, vocabulary).run()
    return pairing
