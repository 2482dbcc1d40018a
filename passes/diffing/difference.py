"""The difference of two networks: the script that leads from one to the other, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...ir import Dim, Expr, Graph, Input, Module, symbol, symbols_of
from ..costs import Cost, cost
from ..normal_form import normal_form
from .colours import whole
from .dag import Vocabulary, dag
from .entries import Costs, Entry, Renaming, entries, renamings, script_length
from .growth import align
from .pairing import Pairing
from .repair import WISH, repaired, without_far
from .walk import shortened

Score = Callable[[Sequence[Module]], Sequence[float]]


@dataclass(frozen=True)
class Difference:
    """What differs between two networks, both canonical and flat.

    ``entries`` are the edits that lead from ``before`` to ``after``, none where they are the same network;
    ``renamed`` layers of the same network do not make it another. ``pairs`` are the values of nodes that were matched.
    ``scores`` are the predicted scores, where a function was given that predicts them.
    """

    before: Module
    after: Module
    entries: tuple[Entry, ...]
    renamed: tuple[Renaming, ...]
    pairs: tuple[tuple[str, str], ...]
    costs: tuple[Cost, Cost]
    scores: tuple[float, float] | None = None

    @property
    def equal(self) -> bool:
        """Whether this is one network, whatever its layers are called."""
        return not self.entries


def diff(before: Module, after: Module, score: Score | None = None) -> Difference:
    """Return what differs between two networks.

    Both are flattened and brought to canonical form, dropout kept, and their nodes matched by structure: names count
    nowhere. Sizes that follow from an edit upstream are no edits. Near-linear in the number of nodes.

    Raises:
        NascError: where a module does not check.
    """
    one, other = flat(before), flat(after)
    costs = cost(one), cost(other)
    pairing = match(one.main, other.main)
    scores = tuple(float(value) for value in score((before, after))) if score else None
    return Difference(
        one,
        other,
        entries(pairing, Costs(by_name(costs[0]), by_name(costs[1]))),
        renamings(pairing),
        tuple((pairing.a.name(x), pairing.b.name(y)) for x, y in pairing.pairs() if pairing.a.node(x)),
        costs,
        (scores[0], scores[1]) if scores else None,
    )


def flat(module: Module) -> Module:
    """Return a module as it is compared: in normal form, as in training. Raises NascError."""
    return normal_form(module, train=True)


def match(before: Graph, after: Graph) -> Pairing:
    """Return the matching of two flat graphs whose script is the shortest that was found."""
    vocabulary = Vocabulary()
    a, b = dag(before, vocabulary), dag(_with_symbols_of(before, after), vocabulary)
    found = repaired(align(a, b, whole(a, vocabulary), whole(b, vocabulary), vocabulary))
    others = [other for other in (repaired(found, WISH), without_far(found)) if other is not found]
    best = min((*others, found), key=script_length) if others else found
    shorter = shortened(best)
    return best if shorter is best else min((best, shorter), key=script_length)


def by_name(total: Cost) -> Mapping[str, tuple[int, int]]:
    """Return parameters and MACs by the value of the node."""
    return {node.name: (node.params, node.macs) for node in total.nodes}


def _with_symbols_of(before: Graph, after: Graph) -> Graph:
    """Return the second graph with the symbols of its inputs called as in the first: N and B may both be the batch."""
    wanted, present = _symbols(before), _symbols(after)
    if wanted == present or len(wanted) != len(present):
        return after
    names: dict[str, Dim] = {old: symbol(new) for old, new in zip(present, wanted, strict=True)}
    inputs = tuple(Input(value.name, value.type.substitute(names)) for value in after.inputs)
    nodes = tuple(replace(node, op=node.op.substitute(names)) for node in after.nodes)
    return replace(after, inputs=inputs, nodes=nodes)


def _symbols(graph: Graph) -> list[str]:
    found: dict[str, None] = {}
    for value in graph.inputs:
        for dim in value.type.shape:
            if isinstance(dim, Expr):
                found.update(dict.fromkeys(sorted(symbols_of(dim))))
    return list(found)
