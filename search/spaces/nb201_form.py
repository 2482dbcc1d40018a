"""The normal form of a NAS-Bench-201 cell: what it computes, whatever its nodes are called and however it is written.

A cell is a few operations with an output each, and every operation reads a sum of the cell's input and of outputs of
others. So a cell becomes a DAG of operations whose edges say how often each is read; sums and skips are no vertices.
Two strings, or a string and a block of the IR that somebody edited, are one cell exactly if these DAGs are isomorphic.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import product

from ...frontends.cells.nb201 import NODES, OPERATIONS, parse_edges
from ...ir.files import user_cache_dir, whole
from ...ir.refinement import canonical_hash

EDGES = tuple((i, j) for j in range(1, NODES) for i in range(j))
"""The six edges in the order of the string."""

Sum = Counter[int]
"""What a value is the sum of: how often each vertex is in it; vertex 0 is the input of the cell."""


class Form:
    """A cell as a DAG that grows operation by operation."""

    def __init__(self) -> None:
        """Begin with the input."""
        self.labels = ["x"]
        self.reads: list[Sum] = [Counter()]

    @property
    def input(self) -> Sum:
        """The input of the cell, as a sum."""
        return Counter({0: 1})

    def apply(self, operation: str, operand: Sum) -> Sum:
        """Return the output of an operation as a sum; nothing comes of nothing, and of ``none``.

        A pooling has no weights, so that two of the same sum are one.
        """
        if operation == "none" or not operand:
            return Counter()
        if operation == "skip_connect":
            return operand
        if operation == "avg_pool_3x3":
            for vertex, label in enumerate(self.labels):
                if label == operation and self.reads[vertex] == operand:
                    return Counter({vertex: 1})
        self.labels.append(operation)
        self.reads.append(operand)
        return Counter({len(self.labels) - 1: 1})

    def key(self, output: Sum) -> str:
        """Return the hash of what reaches the output, in hexadecimal digits: equal for isomorphic cells."""
        live = {0}
        waiting = [*output]
        while waiting:
            vertex = waiting.pop()
            live.add(vertex)
            waiting += self.reads[vertex]
        place = {vertex: index for index, vertex in enumerate(sorted(live))}
        edges = [_tagged(self.reads[vertex], place) for vertex in place]
        labels = [self.labels[vertex].encode() for vertex in place]
        return canonical_hash([*labels, b"output"], [*edges, _tagged(output, place)]).hex()


def _tagged(reads: Sum, place: Mapping[int, int]) -> list[tuple[int, bytes]]:
    return [(place[vertex], b"%d" % count) for vertex, count in reads.items()]


def key_of(edges: Mapping[tuple[int, int], str]) -> str:
    """Return the key of a cell that is given by the operation of each edge."""
    form = Form()
    values = [form.input]
    for target in range(1, NODES):
        total: Sum = Counter()
        for source in range(target):
            total += form.apply(edges[source, target], values[source])
        values.append(total)
    return form.key(values[-1])


def written(edges: Mapping[tuple[int, int], str]) -> str:
    """Return the string of a cell that is given by the operation of each edge."""
    nodes = ("|" + "".join(f"{edges[i, j]}~{i}|" for i in range(j)) for j in range(1, NODES))
    return "+".join(nodes)


def canonical(arch: str) -> str:
    """Return the string that stands for all strings of the same cell. Raises NascError where it is no cell."""
    return index()[key_of(parse_edges(arch))]


@cache
def index() -> Mapping[str, str]:
    """Return the string that stands for each cell, by its key.

    It is the one with the fewest operations, of these the first in the alphabet. The index of the whole space is made
    once (some seconds) and kept in the user's cache folder.
    """
    path = user_cache_dir() / "spaces" / "nb201-1.json"
    try:
        kept: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    if isinstance(kept, dict) and kept.get("of") == len(OPERATIONS) ** len(EDGES) and isinstance(kept["cells"], dict):
        return {str(key): str(arch) for key, arch in kept["cells"].items()}
    made = _indexed()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            part.write_text(json.dumps({"of": len(OPERATIONS) ** len(EDGES), "cells": made}), encoding="utf-8")
    except OSError:
        pass  # a folder that cannot be written costs the time again, nothing else
    return made


def _indexed() -> dict[str, str]:
    best: dict[str, tuple[int, str]] = {}
    for operations in product(OPERATIONS, repeat=len(EDGES)):
        edges = dict(zip(EDGES, operations, strict=True))
        rank = len(EDGES) - operations.count("none"), written(edges)
        key = key_of(edges)
        best[key] = min(rank, best.get(key, rank))
    return {key: arch for key, (_, arch) in best.items()}
