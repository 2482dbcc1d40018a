"""Whether matched vertices read the same, seeing through what was inserted, deleted and moved between them.

When a relu goes in before a convolution, the convolution reads another value; but that is what the insertion says
already. So an operand is compared by the values that it stands for: an inserted or deleted vertex stands for what it
reads itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from .dag import Dag
from .pairing import Pairing

Value = tuple[int, int]
MOST = 64


@dataclass
class Sight:
    """What the values of one graph stand for, in the numbers of the first graph.

    Seen through are the vertices whose partner is none, and those of ``through``.
    """

    dag: Dag
    partners: Sequence[int]
    numbers: Sequence[int]
    through: frozenset[int] = frozenset()
    known: dict[int, frozenset[Value]] = field(default_factory=lambda: dict[int, frozenset[Value]]())

    def clear(self, vertex: int) -> bool:
        """Return whether a vertex is seen through."""
        return self.partners[vertex] < 0 or vertex in self.through

    def own(self, value: Value) -> Value:
        """Return a value in the numbers of the first graph, negative where its vertex has no partner."""
        vertex, result = value
        return self.numbers[vertex], result

    def behind(self, value: Value) -> frozenset[Value]:
        """Return the values that a value stands for."""
        vertex = value[0]
        if not self.clear(vertex):
            return frozenset({self.own(value)})
        waiting = [vertex]
        while waiting:
            top = waiting[-1]
            inner = [v for v, _ in self.dag.operands[top] if self.clear(v) and v not in self.known]
            if inner:
                waiting += inner
                continue
            waiting.pop()
            self.known[top] = self._union(top)
        return self.known[vertex]

    def _union(self, vertex: int) -> frozenset[Value]:
        found: dict[Value, None] = {}
        for value in self.dag.operands[vertex]:
            if self.clear(value[0]):
                found.update(dict.fromkeys(self.known[value[0]]))
            else:
                found[self.own(value)] = None
            if len(found) >= MOST:
                break
        return frozenset(list(found)[:MOST])


class Reading:
    """Compares what matched vertices read, with some pairs seen through as if they were not there."""

    def __init__(self, pairing: Pairing, through: Sequence[int] = ()) -> None:
        self.pairing = pairing
        self.a = Sight(pairing.a, pairing.to, range(len(pairing.a)), frozenset(through))
        self.b = Sight(pairing.b, pairing.back, pairing.back, frozenset(pairing.to[x] for x in through))

    def same(self, x: int, y: int) -> bool:
        """Return whether a pair reads the same values."""
        before, after = self.pairing.a.operands[x], self.pairing.b.operands[y]
        numbers = self.pairing.back
        if before == [(numbers[vertex], result) for vertex, result in after]:
            return True
        return self._same(x, list(before), list(after))

    def _same(self, x: int, before: list[Value], after: list[Value]) -> bool:
        if not self.pairing.a.commutative(x) and len(before) == len(after):
            return all(self._stand_for_the_same(p, q) for p, q in zip(before, after, strict=True))
        self._drop_equal(before, after)
        if len(before) != len(after):
            return all(self.a.clear(v) for v, _ in before) and all(self.b.clear(v) for v, _ in after)
        orders = permutations(after) if len(after) <= 2 else (after,)
        return any(all(self._stand_for_the_same(p, q) for p, q in zip(before, order, strict=True)) for order in orders)

    def _stand_for_the_same(self, p: Value, q: Value) -> bool:
        if p == self.b.own(q):
            return True
        if not (self.a.clear(p[0]) or self.b.clear(q[0])):
            return False
        before, after = self.a.behind(p), self.b.behind(q)
        return not before.isdisjoint(after) or not (before or after)

    def _drop_equal(self, before: list[Value], after: list[Value]) -> None:
        for q in list(after):
            if self.b.own(q) in before:
                before.remove(self.b.own(q))
                after.remove(q)


def moved(pairing: Pairing, among: Iterable[int] | None = None) -> list[int]:
    """Return as few vertices of the first graph as explain, by having moved, all that pairs read differently.

    Looked at are those ``among`` some, or all.
    """
    plain = Reading(pairing)
    to = pairing.to
    odd = [x for x in (range(len(to)) if among is None else among) if to[x] >= 0 and not plain.same(x, to[x])]
    if len(odd) < 2:
        return odd
    inner = [x for x in odd if pairing.a.node(x) is not None and pairing.a.operands[x]]
    all_through = Reading(pairing, inner)
    sure = [x for x in odd if not all_through.same(x, pairing.to[x])]
    if len(sure) == len(odd):
        return odd
    some_through = Reading(pairing, [x for x in sure if x in set(inner)])
    return [x for x in odd if x in set(sure) or not some_through.same(x, pairing.to[x])]
