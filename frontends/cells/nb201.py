"""NAS-Bench-201 strings as networks: ``|nor_conv_3x3~0|+|skip_connect~0|none~1|+...``.

A cell has nodes 0 (its input) to 3 (its output); node j is the sum over i < j of an operation on node i. The
network is a convolutional stem, three stages of five cells at 16, 32 and 64 channels, a residual block that
halves the resolution between stages, and a linear classifier (Dong and Yang, "NAS-Bench-201", ICLR 2020,
section 2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from ...ir import Builder, Dim, Graph, Module, NascError, did_you_mean, f32, symbol

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NODES = 4
WIDTHS = (16, 32, 64)
CELLS = 5
_EDGE = re.compile(r"(\w+)~(\d+)")
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
    """Return the operation of every edge ``(from, to)``. Raises NascError where it is none of nb201."""
    groups = arch.strip().split("+")
    edges: dict[tuple[int, int], str] = {}
    for target, group in enumerate(groups, start=1):
        for name, source in _EDGE.findall(group):
            if name not in OPERATIONS:
                raise NascError.of(f"{name!r} is no operation of nb201", did_you_mean(name, OPERATIONS), "cell-string")
            edges[int(source), target] = name
    if sorted(edges) != sorted((i, j) for j in range(1, NODES) for i in range(j)):
        raise NascError.of(
            f"{arch!r} is no nb201 architecture",
            "expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with op one of " + ", ".join(OPERATIONS),
            "cell-string",
        )
    return edges


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
    """Return the cell of these live edges as a block ``@cell<C>``."""
    b = Builder("cell", symbols=("C",))
    values = {0: b.input("x", f32(N, C, H, W))}
    if not edges:
        return b.finish(b("mul", values[0], other=0.0, path="zero"))
    for target in range(1, NODES):
        for (source, end), op in edges:
            if end == target:
                result = _edge(b, values[source], op, f"edges.{source}_{target}")
                values[target] = b("add", values[target], result, path=f"node{target}") if target in values else result
    return b.finish(values[NODES - 1])


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
