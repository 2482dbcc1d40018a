"""The edit script: what was inserted, deleted, changed and moved, and which layers have another name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from ...ir import Input, Node, Op, show
from ...ir.digest import WEIGHT_NAMES
from .consistency import moved
from .dag import Dag
from .pairing import Pairing

EditKind = Literal["inserted", "deleted", "changed", "moved"]
LONG = 60


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute of a layer, as text before and after; ``op`` is the operation itself."""

    attribute: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: its value, its path in the source model and the values it reads."""

    name: str
    path: str
    reads: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The path, or the value where there is none."""
        return self.path or f"%{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One edit. ``before`` is None for what was inserted, ``after`` for what was deleted.

    ``rewired`` says that it reads other values than before: alone that makes it moved, and what was changed can be
    rewired too. ``params`` and ``macs`` are what the edited node itself gained.
    """

    kind: EditKind
    op: str
    before: Place | None
    after: Place | None
    changes: tuple[Change, ...] = ()
    rewired: bool = False
    params: int = 0
    macs: int = 0

    @property
    def place(self) -> Place:
        """Where it stands now, or stood."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Renaming:
    """Layers that only have another name: the parts of their paths that differ, and how many nodes it concerns."""

    before: str
    after: str
    count: int


@dataclass(frozen=True)
class Costs:
    """Parameters and MACs of each node, by value, in both graphs."""

    before: Mapping[str, tuple[int, int]]
    after: Mapping[str, tuple[int, int]]


def script_length(pairing: Pairing) -> int:
    """Return how many entries the script of a matching has."""
    return len(edited(pairing)) + sum(y < 0 for y in pairing.to) + sum(x < 0 for x in pairing.back)


def edited(pairing: Pairing, among: Sequence[int] | None = None) -> dict[int, bool]:
    """Return the pairs that differ, ``among`` some or all, and whether they read something else."""
    rewired = set(moved(pairing, among))
    to = pairing.to
    return {
        x: x in rewired
        for x in (range(len(to)) if among is None else among)
        if to[x] >= 0
        and (x in rewired or pairing.a.labels[x] != pairing.b.labels[to[x]] or _retyped(pairing, x, to[x]))
    }


def _retyped(pairing: Pairing, x: int, y: int) -> bool:
    before, after = pairing.a.things[x], pairing.b.things[y]
    return isinstance(before, Input) and isinstance(after, Input) and before.type != after.type


def entries(pairing: Pairing, costs: Costs) -> tuple[Entry, ...]:
    """Return the script of a matching, in the order of the second graph, what was deleted where it stood."""
    differing_pairs = edited(pairing)
    found: list[tuple[float, Entry]] = []
    last = -1.0
    for x, y in enumerate(pairing.to):
        if y < 0:
            found.append((last + 0.5, _one_sided("deleted", pairing.a, x, costs)))
            continue
        last = float(y)
        if x in differing_pairs:
            found.append((last, _pair(pairing, x, differing_pairs[x], costs)))
    for y, x in enumerate(pairing.back):
        if x < 0:
            found.append((float(y), _one_sided("inserted", pairing.b, y, costs)))
    return tuple(entry for _, entry in sorted(found, key=lambda one: one[0]))


def _one_sided(kind: Literal["inserted", "deleted"], dag: Dag, vertex: int, costs: Costs) -> Entry:
    there = place(dag, vertex)
    if kind == "deleted":
        params, macs = costs.before.get(there.name, (0, 0))
        return Entry(kind, dag.kind(vertex), there, None, params=-params, macs=-macs)
    params, macs = costs.after.get(there.name, (0, 0))
    return Entry(kind, dag.kind(vertex), None, there, params=params, macs=macs)


def _pair(pairing: Pairing, x: int, rewired: bool, costs: Costs) -> Entry:
    y = pairing.to[x]
    before, after = place(pairing.a, x), place(pairing.b, y)
    changes = _changes(pairing, x, y)
    old, new = costs.before.get(before.name, (0, 0)), costs.after.get(after.name, (0, 0))
    return Entry(
        "changed" if changes else "moved",
        pairing.b.kind(y),
        before,
        after,
        changes,
        rewired,
        new[0] - old[0],
        new[1] - old[1],
    )


def place(dag: Dag, vertex: int) -> Place:
    """Return where a vertex stands."""
    thing = dag.things[vertex]
    if isinstance(thing, Node):
        return Place(thing.name, path(dag, vertex), thing.operands, _stated(thing.op))
    if thing is not None:
        return Place(thing.name, "", (), (("type", str(thing.type)),))
    return Place("return", "", dag.graph.outputs)


def path(dag: Dag, vertex: int) -> str:
    """Return the layer of a vertex; of a free parameter its key, of an input nothing."""
    node = dag.node(vertex)
    return (node.path or str(getattr(node.op, "key", ""))) if node else ""


def _stated(op: Op) -> tuple[tuple[str, str], ...]:
    return tuple((name, brief(op, name)) for name in op.stated() if name not in WEIGHT_NAMES)


def _changes(pairing: Pairing, x: int, y: int) -> tuple[Change, ...]:
    before, after = pairing.a.things[x], pairing.b.things[y]
    if isinstance(before, Input) and isinstance(after, Input):
        return (Change("type", str(before.type), str(after.type)),) if before.type != after.type else ()
    if not isinstance(before, Node) or not isinstance(after, Node):
        return ()
    return op_changes(before.op, after.op)


def op_changes(before: Op, after: Op) -> tuple[Change, ...]:
    """Return what differs from one op to another, attribute by attribute."""
    if before.name != after.name:
        return (Change("op", _spelled(before), _spelled(after)),)
    new = after.attributes()
    differing = (name for name, value in before.attributes().items() if name not in WEIGHT_NAMES and value != new[name])
    return tuple(_change(name, brief(before, name), brief(after, name)) for name in differing)


def _change(name: str, old: str, new: str) -> Change:
    return Change(name, old, new if old != new else f"{new} (other values)")


def _spelled(op: Op) -> str:
    return " ".join([op.name, *(f"{name}={value}" for name, value in _stated(op))])


def brief(op: Op, name: str) -> str:
    """Return an attribute as people read it: a list of fixed length with equal entries as one, long text cut."""
    value: object = getattr(op, name)
    items = set(_items(value)) if op.known[name].length else set[object]()
    shown = items.pop() if len(items) == 1 else value
    text = "none" if shown is None else show(shown)
    return text if len(text) <= LONG else f"{text[:LONG]}..."


def _items(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()


def renamings(pairing: Pairing) -> tuple[Renaming, ...]:
    """Return how the paths of matched layers differ, the common ends of the names left out."""
    counts: dict[tuple[str, str], int] = {}
    for x, y in pairing.pairs():
        before, after = path(pairing.a, x), path(pairing.b, y)
        if before and after and before != after:
            names = differing(before, after)
            counts[names] = counts.get(names, 0) + 1
    return tuple(Renaming(before, after, count) for (before, after), count in counts.items())


def differing(before: str, after: str) -> tuple[str, str]:
    """Return two dotted names without the parts that both end with; at least one part is left of each."""
    one, other = before.split("."), after.split(".")
    while len(one) > 1 and len(other) > 1 and one[-1] == other[-1]:
        one.pop()
        other.pop()
    return ".".join(one), ".".join(other)
