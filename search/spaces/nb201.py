"""The cell space of NAS-Bench-201: 15,625 strings, 5,260 different networks, one operation on each of six edges.

The search sees networks of the IR; a cell string is how people and LLMs read and write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ...frontends.cells.nb201 import OPERATIONS, nb201, parse_edges
from ...ir import Module, NascError
from ..engine.space import Change, Spot
from .nb201_form import EDGES, canonical, written
from .nb201_reading import recognise
from .nb201_script import Edge, cell_grammar, change_grammar, change_line, name_of, read_cell, read_changes


@dataclass(frozen=True)
class Nb201Space:
    """The networks of NAS-Bench-201 for CIFAR-10, as a search moves between them.

    Networks that differ only in names, in edges that nothing reads or in skips that another way would say are one:
    :meth:`check` returns the same module for all of them, built from the string that :func:`recognise` gives.
    """

    name: str = "nb201"

    def starts(self) -> tuple[Module, ...]:
        """Return nothing: a search of this space begins with samples."""
        return ()

    def check(self, module: Module) -> Module:
        """Return a network of the space in its own form. Raises NascError naming the edge and the five operations."""
        return network(recognise(module))

    def sample(self, rng: Random) -> Change:
        """Return one of the 15,625 strings at random: each edge on its own."""
        return _whole({edge: rng.choice(OPERATIONS) for edge in EDGES})

    def mutate(self, module: Module, rng: Random, spot: Spot | None = None) -> Change:
        """Return the network with another operation on one edge, such that it is another network.

        Raises NascError where the edge of ``spot`` makes no difference, whatever stands on it.
        """
        edges = _edges(module)
        chosen = EDGES if spot is None else (_edge(spot),)
        own = written(edges)
        moves = [(edge, operation) for edge in chosen for operation in OPERATIONS if operation != edges[edge]]
        rng.shuffle(moves)
        for edge, operation in moves:
            child = canonical(written({**edges, edge: operation}))
            if child != own:
                return Change(network(child), change_line(edge, operation))
        hint = "change another edge first"
        raise NascError.of(f"edge {name_of(chosen[0])} reaches no output, whatever it holds", hint, "nb201")

    def cross(self, first: Module, second: Module, rng: Random) -> Change:
        """Return a child that has each edge from one of its parents."""
        one, other = _edges(first), _edges(second)
        return _whole({edge: rng.choice((one[edge], other[edge])) for edge in EDGES})

    def spots(self, module: Module) -> tuple[Spot, ...]:
        """Return the six edges, ``0->1`` and so on, each with its nodes in the block @cell."""
        nodes = network(recognise(module)).graph("cell").nodes
        paths = {edge: f"edges.{edge[0]}_{edge[1]}" for edge in EDGES}
        return tuple(
            Spot(name_of(edge), tuple(node.name for node in nodes if f"{node.path}.".startswith(f"{path}.")))
            for edge, path in paths.items()
        )

    def show(self, module: Module, spot: Spot | None = None, limit: int = 1800) -> str:
        """Return the cell's string and, line by line, what each edge holds; ``limit`` is never reached."""
        edges = _edges(module)
        at = None if spot is None else _edge(spot)
        rows = [f"{name_of(edge)} {operation}{' <- change this' * (edge == at)}" for edge, operation in edges.items()]
        return "\n".join([written(edges), *rows]) + "\n"

    def grammar(self, module: Module, spot: Spot | None = None, changes: int = 2, why: int = 0) -> str:
        """Return the grammar of `set 0->1 nor_conv_3x3` lines; with a spot, of one line about its edge."""
        return change_grammar(_edges(module), None if spot is None else _edge(spot), changes, why)

    def child_grammar(self, parents: Sequence[Module]) -> str:
        """Return the grammar of one cell string; it does not depend on the parents."""
        return cell_grammar()

    def apply(self, module: Module, answer: str, spot: Spot | None = None) -> Change:
        """Return what `set` lines make of a network; a whole cell string is taken too.

        Raises NascError for every line that is no change of the space.
        """
        if spot is None and answer.lstrip().startswith("|"):
            return self.write((module,), answer)
        changes = read_changes(answer, None if spot is None else _edge(spot))
        child = network(canonical(written({**_edges(module), **changes})))
        return Change(child, "\n".join(change_line(edge, operation) for edge, operation in changes.items()))

    def write(self, parents: Sequence[Module], answer: str) -> Change:
        """Return the network of the cell string in an answer. Raises NascError."""
        return _whole(read_cell(answer))


@lru_cache(maxsize=4096)
def network(arch: str) -> Module:
    """Return the network of a string that stands for its cell; the same object for the same string."""
    return nb201(arch)


def _whole(edges: Mapping[Edge, str]) -> Change:
    arch = written(edges)
    return Change(network(canonical(arch)), arch)


def _edges(module: Module) -> dict[Edge, str]:
    found = parse_edges(recognise(module))
    return {edge: found[edge] for edge in EDGES}


def _edge(spot: Spot) -> Edge:
    for edge in EDGES:
        if name_of(edge) == spot.name:
            return edge
    hint = f"expected one of: {', '.join(map(name_of, EDGES))}"
    raise NascError.of(f"{spot.name!r} is no edge of a cell of nb201", hint, "nb201")
