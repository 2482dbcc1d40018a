"""Canonical hash of a labelled DAG: equal exactly for isomorphic ones, up to the collisions of a 128-bit hash.

Colours (hashes) are refined by sweeps, first up from the operands and then down from the users, until no sweep
tells more vertices apart (Weisfeiler-Lehman on both sides). The colours of vertices that are alone with theirs
say all of their edges. What is left falls apart into connected components that are hashed by themselves; one in
which no colour is alone has each vertex of its smallest class set apart in turn, and the smallest hash counts
(individualisation and refinement, as in McKay, Practical graph isomorphism, 1981).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

Edges = Sequence[tuple[int, bytes]]
"""Neighbours and the tags of the edges to them."""

MOST_DEEP = 48
MOST_VISITS = 300_000


class _Exhausted(Exception):
    """A component is too regular to be searched."""


def canonical_hash(labels: Sequence[bytes], below: Sequence[Edges]) -> bytes:
    """Return the hash of a DAG whose vertices come after those below them; edges of one tag have no order.

    Near-linear; the search of a regular component is bounded, and beyond the bound the hash still is the same for
    isomorphic graphs but may be for others too.
    """
    search = _Search(below)
    vertices = list(range(len(labels)))
    colours = dict(enumerate(labels))
    search.sweep(vertices, colours)
    search.refine(vertices, colours)
    return search.encode(vertices, colours)


def hashed(*parts: bytes) -> bytes:
    """Return the hash of parts of any length, in order."""
    return blake2b(b"".join(len(part).to_bytes(4, "little") + part for part in parts), digest_size=16).digest()


class _Search:
    """The edges of a graph both ways, and how many more vertices the search of a component may visit."""

    def __init__(self, below: Sequence[Edges]) -> None:
        self.below = below
        self.above: list[list[tuple[int, bytes]]] = [[] for _ in below]
        for vertex, edges in enumerate(below):
            for neighbour, tag in edges:
                self.above[neighbour].append((vertex, tag))
        self.left = 0
        self.depth = 0

    def refine(self, vertices: Sequence[int], colours: dict[int, bytes]) -> None:
        """Refine the colours of vertices, in topological order, until they are stable among themselves."""
        before, count = 0, len(set(colours.values()))
        while before < count < len(vertices):
            self.sweep(vertices, colours)
            before, count = count, len(set(colours.values()))

    def sweep(self, vertices: Sequence[int], colours: dict[int, bytes]) -> None:
        """Let each colour say those of the vertices below and above."""
        self.left -= 2 * len(vertices)
        if self.depth and self.left < 0:
            raise _Exhausted
        _sweep(vertices, self.below, colours)
        _sweep(reversed(vertices), self.above, colours)

    def encode(self, vertices: Sequence[int], colours: Mapping[int, bytes]) -> bytes:
        """Return the hash of vertices whose colours are stable."""
        counts = Counter(colours.values())
        alone = sorted(colour for colour, count in counts.items() if count == 1)
        rest = [vertex for vertex in vertices if counts[colours[vertex]] > 1]
        search = self._searched if self.depth else self._bounded
        parts = sorted(search(part, {v: colours[v] for v in part}) for part in self._components(rest))
        return hashed(b"alone", *alone, b"parts", *parts)

    def _bounded(self, part: list[int], colours: dict[int, bytes]) -> bytes:
        """Return the hash of a component, of its colours alone where the search is too long.

        All branches are searched, none is left out for what another one gave, so whether it is too long does not
        depend on the order of vertices.
        """
        self.left = min(64 * len(part) ** 2, MOST_VISITS + 64 * len(part))
        self.depth = 1
        try:
            return self._searched(part, colours)
        except _Exhausted:
            return hashed(b"coarse", *sorted(colours.values()))
        finally:
            self.depth = 0

    def _searched(self, part: list[int], colours: dict[int, bytes]) -> bytes:
        counts = Counter(colours.values())
        if 1 in counts.values():
            return self.encode(part, colours)
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise _Exhausted
        smallest = min((count, colour) for colour, count in counts.items())[1]
        found = min(self._apart(vertex, part, colours) for vertex in part if colours[vertex] == smallest)
        self.depth -= 1
        return found

    def _apart(self, vertex: int, part: list[int], colours: dict[int, bytes]) -> bytes:
        """Return the hash of a component with one vertex set apart."""
        refined = {**colours, vertex: hashed(b"apart", colours[vertex])}
        self.refine(part, refined)
        return self.encode(part, refined)

    def _components(self, vertices: Sequence[int]) -> list[list[int]]:
        """Return the connected components that vertices form among themselves, each in topological order."""
        waiting = set(vertices)
        parts: list[list[int]] = []
        for start in vertices:
            if start not in waiting:
                continue
            waiting.remove(start)
            part = [start]
            for vertex in part:
                for edges in (self.below[vertex], self.above[vertex]):
                    near = {neighbour for neighbour, _ in edges} & waiting
                    waiting -= near
                    part.extend(near)
            parts.append(sorted(part))
        return parts


def _sweep(vertices: Iterable[int], edges: Sequence[Edges], colours: dict[int, bytes]) -> None:
    for vertex in vertices:
        near = [tag + colours[neighbour] for neighbour, tag in edges[vertex] if neighbour in colours]
        near.sort()
        colours[vertex] = blake2b(colours[vertex] + b"".join(near), digest_size=16).digest()
