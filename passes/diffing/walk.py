"""A walk over matchings that may get worse before it gets better: where edits overlap, no single exchange helps.

It goes through one window after the other, a window being what stands around places of the script that touch. Each
step is the exchange of matches that leaves the shortest script, never back to a matching that was seen.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .entries import edited
from .pairing import Pairing
from .repair import EDGE, TIE, parted

STEPS = 8
RADIUS = 2
WIDEST = 96
CROWD = 24
BUDGET = 40_000
"""Vertices looked at in all, over all exchanges tried: what bounds the time of the walk, whatever the graphs."""


@dataclass(frozen=True)
class Window:
    """Vertices of both graphs; ``inner`` are those whose readers all stand inside too."""

    a: list[int]
    b: list[int]
    inner_a: frozenset[int]
    inner_b: frozenset[int]

    def __len__(self) -> int:
        return len(self.a) + len(self.b)


def shortened(pairing: Pairing) -> Pairing:
    """Return a matching whose script is as short as the walk finds; the same one where it finds nothing shorter."""
    new = parted(pairing)
    left = BUDGET
    better = False
    for window in windows(new):
        walk = _Walk(new, window, left)
        better = walk.run() or better
        left = walk.left
    return new if better else pairing


def windows(pairing: Pairing) -> list[Window]:
    """Return what stands around each group of places of the script that are near each other, but the widest."""
    spots = _Spots(pairing)
    doubtful = dict.fromkeys([*edited(pairing), *(x for x, y in enumerate(pairing.to) if y < 0)])
    doubtful.update((spots.of_b(y), None) for y, x in enumerate(pairing.back) if x < 0)
    found: list[Window] = []
    seen: set[int] = set()
    for start in doubtful:
        if start not in seen:
            some = spots.around(start, doubtful)
            seen.update(some)
            if len(some) <= WIDEST:
                found.append(spots.window(some))
    return found


@dataclass
class _Spots:
    """Matched pairs and unmatched vertices as one graph: numbers of the first graph, then those of the second."""

    pairing: Pairing

    def of_b(self, y: int) -> int:
        x = self.pairing.back[y]
        return x if x >= 0 else len(self.pairing.a) + y

    def sides(self, spot: int) -> tuple[int, int]:
        """Return the vertices of a spot in both graphs, -1 for none."""
        size = len(self.pairing.a)
        return (spot, self.pairing.to[spot]) if spot < size else (-1, spot - size)

    def neighbours(self, spot: int) -> Iterator[int]:
        x, y = self.sides(spot)
        a, b = self.pairing.a, self.pairing.b
        if x >= 0:
            yield from (v for edges in (a.preds[x], a.succs[x]) for v, _ in edges[:CROWD])
        if y >= 0:
            yield from (self.of_b(v) for edges in (b.preds[y], b.succs[y]) for v, _ in edges[:CROWD])

    def around(self, start: int, doubtful: Iterable[int]) -> dict[int, int]:
        """Return the spots within the radius of a doubtful one, and of any other doubtful one that this reaches."""
        far = {start: 0}
        queue = deque([start])
        while queue and len(far) <= WIDEST:
            spot = queue.popleft()
            if far[spot] >= RADIUS:
                continue
            for other in self.neighbours(spot):
                steps = 0 if other in doubtful else far[spot] + 1
                if steps < far.get(other, RADIUS + 1):
                    far[other] = steps
                    queue.append(other)
        return far

    def window(self, some: Iterable[int]) -> Window:
        sides = [self.sides(spot) for spot in sorted(some)]
        a, b = [x for x, _ in sides if x >= 0], [y for _, y in sides if y >= 0]
        in_a, in_b = set(a), set(b)
        one, other = self.pairing.a, self.pairing.b
        inner_a = frozenset(x for x in a if one.node(x) and all(v in in_a for v, _ in one.succs[x]))
        inner_b = frozenset(y for y in b if other.node(y) and all(v in in_b for v, _ in other.succs[y]))
        return Window(a, b, inner_a, inner_b)


@dataclass
class _Walk:
    pairing: Pairing
    window: Window
    left: int

    def run(self) -> bool:
        """Walk until nothing better is found for some steps; leave the best matching, return whether it is new."""
        best, better = self.cost(), False
        least = self._least()
        while best > least and self._descend(best):
            best, better = self.cost(), True
        return better

    def _descend(self, best: float) -> bool:
        """Go some steps, each the best one to a matching not seen; return whether one was better, else go back."""
        taken: list[tuple[int, int, int, int]] = []
        seen = {self._state()}
        for _ in range(STEPS):
            found = self._best_step(seen)
            if found is None:
                break
            cost, x, y = found
            taken.append((x, y, *self.pairing.exchange(x, y)))
            seen.add(self._state())
            if cost < best - 1e-9:
                return True
        for step in reversed(taken):
            self.pairing.undo(*step)
        return False

    def _best_step(self, seen: set[tuple[int, ...]]) -> tuple[float, int, int] | None:
        found: tuple[float, int, int] | None = None
        for x, y in self._steps():
            if self.left <= 0:
                break
            old, other = self.pairing.exchange(x, y)
            if self._state() not in seen:
                self.left -= len(self.window)
                cost = self.cost()
                if found is None or cost < found[0]:
                    found = cost, x, y
            self.pairing.undo(x, y, old, other)
        return found if self.left > 0 else None

    def _state(self) -> tuple[int, ...]:
        return tuple(self.pairing.to[x] for x in self.window.a)

    def _least(self) -> float:
        """Return what the script has at least: what the labels of one side have and the other's have not."""
        pairing, window = self.pairing, self.window
        one, other = Counter(pairing.a.labels[x] for x in window.a), Counter(pairing.b.labels[y] for y in window.b)
        return max((one - other).total(), (other - one).total(), 1)

    def _steps(self) -> list[tuple[int, int]]:
        """Return the exchanges to try: of what the script speaks of and what stands next to it."""
        pairing, window = self.pairing, self.window
        some, others = self._near()
        steps: list[tuple[int, int]] = []
        for x in sorted(some & window.inner_a):
            if pairing.to[x] >= 0:
                steps.append((x, -1))
            steps += [(x, y) for y in sorted(others & window.inner_b) if pairing.to[x] != y and self._may(x, y)]
        return steps

    def _may(self, x: int, y: int) -> bool:
        return self.pairing.a.kinds[x] == self.pairing.b.kinds[y] or all(self.pairing.in_place(x, y))

    def _near(self) -> tuple[set[int], set[int]]:
        pairing, a, b = self.pairing, self.pairing.a, self.pairing.b
        differing = edited(pairing, self.window.a)
        some = {*differing, *(x for x in self.window.a if pairing.to[x] < 0)}
        others = {*(pairing.to[x] for x in differing), *(y for y in self.window.b if pairing.back[y] < 0)}
        beside = {v for x in some for edges in (a.preds[x], a.succs[x]) for v, _ in edges[:CROWD]}
        across = {v for y in others for edges in (b.preds[y], b.succs[y]) for v, _ in edges[:CROWD]}
        some |= beside | {pairing.back[y] for y in across if pairing.back[y] >= 0}
        return some, others | across | {pairing.to[x] for x in some if pairing.to[x] >= 0}

    def cost(self) -> float:
        """Return the entries of the window, less a little for edges and names that agree.

        A pair of which nothing else is left but the op, or not even that, counts as what it is: deleted and inserted.
        """
        pairing, window = self.pairing, self.window
        differing = edited(pairing, window.a)
        length = sum(pairing.to[x] < 0 for x in window.a) + sum(pairing.back[y] < 0 for y in window.b)
        length += len(differing) + sum(not self._tells(x, pairing.to[x]) for x in differing)
        pairs = [(x, pairing.to[x]) for x in window.a if pairing.to[x] >= 0]
        edges = sum(pairing.agreeing(x, y) for x, y in pairs)
        names = sum(pairing.namesakes(x, y) for x, y in pairs)
        return length - (EDGE * edges + TIE * names) / len(window)

    def _tells(self, x: int, y: int) -> bool:
        """Return whether a pair that differs says more than an insertion and a deletion would."""
        a, b = self.pairing.a, self.pairing.b
        if a.labels[x] == b.labels[y] or a.node(x) is None:
            return True
        beside = self.pairing.in_place(x, y)
        return any(beside) if a.kinds[x] == b.kinds[y] else all(beside)
