"""Repairs of an alignment: matches undone or exchanged where the two graphs then agree better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy

from .pairing import Pairing

ROUNDS = 3
CANDIDATES = 12
EDGE = 0.4
NAME = 0.01


def without_far(pairing: Pairing) -> Pairing:
    """Return a matching without the pairs that agree with nothing around them."""
    lonely = [
        x
        for x, y in pairing.pairs()
        if pairing.a.node(x) is not None and pairing.b.node(y) is not None and not pairing.agreeing(x, y)
    ]
    return _parted(pairing, lonely) if lonely else pairing


def _parted(pairing: Pairing, some: Iterable[int]) -> Pairing:
    new = copy(pairing)
    new.to, new.back = list(pairing.to), list(pairing.back)
    for x in some:
        new.part(x)
    return new


def repaired(pairing: Pairing) -> Pairing:
    """Return the matching after local exchanges, each of which makes the graphs agree better.

    Looked at are vertices without a partner or whose edges do not all agree; candidates for one are the vertices that
    stand beside the partners of its neighbours. A few rounds over such vertices, so linear in their number.
    """
    for turn in range(ROUNDS):
        changed = [_improve(pairing, x) for x in doubtful(pairing)[:: -1 if turn % 2 else 1]]
        if not any(changed):
            break
    return pairing


def doubtful(pairing: Pairing) -> list[int]:
    """Return the vertices of the first graph that are unmatched, changed or in disagreement."""
    a, b = pairing.a, pairing.b
    return [
        x
        for x, y in enumerate(pairing.to)
        if a.node(x) is not None
        and (
            y < 0
            or a.labels[x] != b.labels[y]
            or pairing.agreeing(x, y) < max(len(a.preds[x]) + len(a.succs[x]), len(b.preds[y]) + len(b.succs[y]))
        )
    ]


def _improve(pairing: Pairing, x: int) -> bool:
    """Match a vertex with the candidate that gains most; return whether there was one."""
    old = pairing.to[x]
    best, gain = -2, 1e-9
    for y in _candidates(pairing, x):
        found = _gain(pairing, x, y)
        if found > gain:
            best, gain = y, found
    if best == -2:
        return False
    _exchange(pairing, x, old, best)
    return True


def _candidates(pairing: Pairing, x: int) -> list[int]:
    a, b = pairing.a, pairing.b
    counts: Counter[int] = Counter()
    for here, there in ((a.preds, b.succs), (a.succs, b.preds)):
        for other, tag in here[x]:
            if pairing.to[other] >= 0:
                around = there[pairing.to[other]][: CANDIDATES * 4]
                counts.update(y for y, its in around if its == tag and a.kinds[x] == b.kinds[y])
    counts.pop(pairing.to[x], None)
    return [y for y, _ in counts.most_common(CANDIDATES)]


def _exchange(pairing: Pairing, x: int, old: int, new: int) -> None:
    """Match a vertex anew; the partners that this sets free are matched with each other where they are alike."""
    other = pairing.back[new]
    if old >= 0:
        pairing.part(x)
    if other >= 0:
        pairing.part(other)
    pairing.join(x, new)
    if old >= 0 and other >= 0 and pairing.a.kinds[other] == pairing.b.kinds[old]:
        pairing.join(other, old)


def _gain(pairing: Pairing, x: int, y: int) -> float:
    """Return how much better the graphs would agree with this pair."""
    old, other = pairing.to[x], pairing.back[y]
    before = _worth(pairing, x) + (_worth(pairing, other) if other >= 0 else 0)
    _exchange(pairing, x, old, y)
    after = _worth(pairing, x) + (_worth(pairing, other) if other >= 0 else 0)
    _undo(pairing, x, y, old, other)
    return after - before


def _undo(pairing: Pairing, x: int, y: int, old: int, other: int) -> None:
    pairing.part(x)
    if other >= 0 and pairing.to[other] >= 0:
        pairing.part(other)
    if old >= 0:
        pairing.join(x, old)
    if other >= 0:
        pairing.join(other, y)


def _worth(pairing: Pairing, x: int) -> float:
    y = pairing.to[x]
    if y < 0:
        return -2.0
    alike = pairing.a.labels[x] == pairing.b.labels[y]
    return (0.0 if alike else -1.0) + EDGE * pairing.agreeing(x, y) + NAME * pairing.namesakes(x, y)
