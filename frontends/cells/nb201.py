"""NAS-Bench-201 strings as networks: ``|nor_conv_3x3~0|+|skip_connect~0|none~1|+...``.

A cell has nodes 0 (its input) to 3 (its output); node j is the sum over i < j of an operation on node i. The
network is a convolutional stem, three stages of five cells at 16, 32 and 64 channels, a residual block that
halves the resolution between stages, and a linear classifier (Dong and Yang, "NAS-Bench-201", ICLR 2020,
section 2.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from ...ir import Builder, Diagnostic, Dim, Graph, Module, did_you_mean, f32, symbol
from .text import CellText, listed

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NODES = 4
SOURCES = tuple(map(str, range(NODES - 1)))
WIDTHS = (16, 32, 64)
CELLS = 5
N, C, H, W = symbol("N"), symbol("C"), symbol("H"), symbol("W")

Edges = Mapping[tuple[int, int], str]


def nb201(arch: str, classes: int = 10) -> Module:
    """Return the network of an architecture string, for inputs ``f32[N,3,32,32]``.

    What does not reach the output of a cell is left out, and so are ``none`` edges. A cell whose output no
    path reaches is a product with zero. Raises NascError where the string is not one of the benchmark.
    """
    edges = live_edges(parse_edges(arch))
    blocks = (cell(tuple(sorted(edges.items()))), reduction())
    return Module((skeleton(classes), *blocks), "main", {"source": f"nb201:{arch}"})


def decode(text: str) -> Module:
    """Return the CIFAR-10 network of a string, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    return nb201(text)


@cache
def skeleton(classes: int) -> Graph:
    """Return the network around the cells: it does not depend on what ``@cell`` holds."""
    b = Builder("main", blocks={"cell": cell(()), "reduce": reduction()})
    x = b.input("x", f32(N, 3, 32, 32))
    x = b("conv2d", x, out_channels=WIDTHS[0], kernel_size=3, padding=1, bias=False, path="stem.conv")
    x = b("batch_norm", x, path="stem.bn")
    for stage, width in enumerate(WIDTHS):
        if stage:
            (x,) = b.call("reduce", x, path=f"reductions.{stage - 1}", C=width // 2)
        for index in range(CELLS):
            (x,) = b.call("cell", x, path=f"stages.{stage}.{index}", C=width)
    x = b("batch_norm", x, path="head.bn")
    x = b("relu", x, path="head.relu")
    x = b("adaptive_avg_pool2d", x, output_size=1, path="head.pool")
    x = b("flatten", x, start_dim=1, path="head.flatten")
    return b.finish(b("linear", x, out_features=classes, path="head.linear"))


def parse_edges(arch: str) -> dict[tuple[int, int], str]:
    """Return the operation of every edge ``(from, to)``. Raises NascError with everything that is not as it should."""
    cell = CellText("nb201", arch)
    groups = arch.split("+")
    if len(groups) != NODES - 1:
        place = len(arch) if len(groups) < NODES else len("+".join(groups[: NODES - 1]))
        raise cell.error(place, f"the cell has {len(groups)} nodes with edges", f"expected {FORM}")
    edges: dict[tuple[int, int], str] = {}
    findings: list[Diagnostic] = []
    position = 0
    for target, group in enumerate(groups, start=1):
        for index, part in enumerate(_parts(cell, group, position, target)):
            place = position + 1 + sum(map(len, group[1:].split("|")[:index])) + index
            findings += _wrong(cell, part, place, target, edges)
            name, _, source = part.partition("~")
            edges[int(source) if source in SOURCES[:target] else -1 - index, target] = name
        position += len(group) + 1
    if findings:
        raise cell.errors(findings)
    return edges


def _parts(cell: CellText, group: str, position: int, target: int) -> list[str]:
    """Return the edges of a node. Raises NascError where it does not have as many as nodes before it."""
    if not group.startswith("|") or not group.endswith("|") or len(group) < 2:
        place = position if not group.startswith("|") else position + len(group)
        raise cell.error(place, f"node {target} must stand between bars", f"expected {_form(target)}")
    parts = group[1:-1].split("|")
    if len(parts) != target:
        raise cell.error(position, f"node {target} has {len(parts)} edges", f"expected {_form(target)}")
    return parts


def _wrong(
    cell: CellText, part: str, position: int, target: int, edges: Mapping[tuple[int, int], str]
) -> Iterator[Diagnostic]:
    name, tilde, source = part.partition("~")
    if not tilde:
        yield cell.finding(position, f"{part!r} names no node", "expected OPERATION~NODE, such as skip_connect~0")
    if name not in OPERATIONS:
        yield cell.finding(position, f"{name!r} is no operation of nb201", did_you_mean(name, OPERATIONS))
    if tilde and source not in SOURCES[:target]:
        hint = f"expected {listed(SOURCES[:target])}"
        yield cell.finding(position + len(name) + 1, f"node {target} has no edge from {source!r}", hint)
    elif tilde and (int(source), target) in edges:
        hint = "expected one edge from each earlier node"
        yield cell.finding(position + len(name) + 1, f"the edge from {source} to {target} is given twice", hint)


def _form(target: int) -> str:
    return "|" + "".join(f"op~{source}|" for source in range(target))


FORM = "+".join(_form(target) for target in range(1, NODES))


def live_edges(edges: Edges) -> dict[tuple[int, int], str]:
    """Return the edges that lie on a path from the input to the output, ``none`` left out."""
    present = {edge: op for edge, op in edges.items() if op != "none"}
    forward, backward = {0}, {NODES - 1}
    for i, j in sorted(present, key=lambda edge: edge[1]):
        if i in forward:
            forward.add(j)
    for i, j in sorted(present, key=lambda edge: -edge[0]):
        if j in backward:
            backward.add(i)
    return {(i, j): op for (i, j), op in present.items() if i in forward and j in backward}


@cache
def cell(edges: tuple[tuple[tuple[int, int], str], ...]) -> Graph:
    """Return the cell of these live edges as a block ``@cell<C>``.

    Sums are in the order of what their terms compute, so that cells that differ only in the numbers of their nodes
    are the same computation.
    """
    b = Builder("cell", symbols=("C",))
    values, spelling = {0: b.input("x", f32(N, C, H, W))}, {0: "x"}
    if not edges:
        return b.finish(b("mul", values[0], other=0.0, path="zero"))
    sums = _sums(dict(edges))
    for target, terms in sums.items():
        ordered = sorted((spelling[i] if op == "skip_connect" else f"{op}({spelling[i]})", i, j) for i, j, op in terms)
        spelling[target] = "+".join(term for term, _, _ in ordered)
        spelling[target] = f"({spelling[target]})" if len(ordered) > 1 else spelling[target]
        for _, source, end in ordered:
            result = _edge(b, values[source], dict(edges)[source, end], f"edges.{source}_{end}")
            values[target] = b("add", values[target], result, path=f"node{target}") if target in values else result
    return b.finish(values[NODES - 1])


def _sums(edges: Edges) -> dict[int, list[tuple[int, int, str]]]:
    """Return the edges that each node adds up; one that only another reads, as it is, is part of that sum."""
    sums: dict[int, list[tuple[int, int, str]]] = {}
    for target in range(1, NODES):
        terms: list[tuple[int, int, str]] = []
        for (source, end), op in edges.items():
            if end == target:
                alone = op == "skip_connect" and sum(i == source for i, _ in edges) == 1
                terms += sums.pop(source) if alone and source else [(source, end, op)]
        if terms:
            sums[target] = terms
    return sums


def _edge(b: Builder, x: str, op: str, path: str) -> str:
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return b(
            "avg_pool2d",
            x,
            kernel_size=3,
            stride=1,
            padding=1,
            count_include_pad=False,
            path=path,
        )
    return _conv(b, x, C, 3 if op == "nor_conv_3x3" else 1, 1, path)


def _conv(b: Builder, x: str, channels: Dim, kernel: int, stride: int, path: str) -> str:
    x = b("relu", x, path=f"{path}.relu")
    x = b(
        "conv2d",
        x,
        out_channels=channels,
        kernel_size=kernel,
        stride=stride,
        padding=kernel // 2,
        bias=False,
        path=f"{path}.conv",
    )
    return b("batch_norm", x, path=f"{path}.bn")


@cache
def reduction() -> Graph:
    """Return the residual block between stages, ``@reduce<C>``: C to 2C channels, half the resolution."""
    b = Builder("reduce", symbols=("C",))
    x = b.input("x", f32(N, C, H * 2, W * 2))
    y = _conv(b, x, C * 2, 3, 2, "conv_a")
    y = _conv(b, y, C * 2, 3, 1, "conv_b")
    z = b("avg_pool2d", x, kernel_size=2, stride=2, path="shortcut.pool")
    z = b("conv2d", z, out_channels=C * 2, kernel_size=1, bias=False, path="shortcut.conv")
    return b.finish(b("add", z, y, path="sum"))
