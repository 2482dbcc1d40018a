"""TransNAS-Bench-101 cells as networks, ``64-41414-a_bc_def``: a digit an edge of a cell of four nodes.

Edges 0-1; 0-2, 1-2; 0-3, 1-3, 2-3, each 0 none, 1 skip, 2 conv1x1, 3 conv3x3; a node is the sum of its edges. Edges
from node 0 change channels and resolution (Duan et al., "TransNAS-Bench-101", CVPR 2021, section 3.1).
"""

from __future__ import annotations

from functools import partial

from ...ir import Builder, Module
from .layers import factorized_reduce, relu_conv_bn
from .text import CellText
from .transnas import network, split

NODES = 4
OPERATIONS = "0123"
FORM = "expected 1, 2 and 3 digits: a_bc_def"

Edges = dict[tuple[int, int], str]


def decode(text: str) -> Module:
    """Return the network of a string, for inputs ``f32[N,3,224,224]``; dead edges are left out. Raises NascError."""
    cell = CellText("transnas_micro", text)
    return network(cell, partial(_block, live(read_edges(cell))))


def read_edges(cell: CellText) -> Edges:
    """Return the operation of every edge ``(from, to)``. Raises NascError where the string has others."""
    channels, modules, code = split(cell)
    start = len(channels) + len(modules) + 2
    groups = code.split("_")
    if len(groups) != NODES - 1:
        raise cell.error(start, f"the cell has {len(groups)} nodes with edges", FORM)
    edges: Edges = {}
    for node, group in enumerate(groups, start=1):
        cell.digits(start, start + len(group), node, OPERATIONS, "operation")
        edges.update(((source, node), digit) for source, digit in enumerate(group))
        start += len(group) + 1
    return edges


def live(edges: Edges) -> Edges:
    """Return the edges on a path from the first node to the last, ``none`` left out."""
    present = {edge: op for edge, op in edges.items() if op != "0"}
    forward, backward = {0}, {NODES - 1}
    for node in range(1, NODES):
        if any((source, node) in present for source in forward):
            forward.add(node)
    for node in range(NODES - 2, -1, -1):
        if any((node, target) in present for target in backward):
            backward.add(node)
    return {(i, j): op for (i, j), op in present.items() if i in forward and j in backward}


def _block(edges: Edges, b: Builder, x: str, width: int, stride: int, path: str) -> str:
    values = {0: x}
    for (source, target), op in edges.items():
        y = _edge(b, values[source], op, width, stride if source == 0 else 1, f"{path}.edges.{source}_{target}")
        values[target] = b("add", values[target], y, path=f"{path}.node{target}") if target in values else y
    return values[NODES - 1] if edges else _nothing(b, x, width, stride, path)


def _edge(b: Builder, x: str, op: str, width: int, stride: int, path: str) -> str:
    if op == "1":
        same = stride == 1 and b.types[x].shape[1] == width
        return x if same else factorized_reduce(b, x, width, path, stride=stride)
    return relu_conv_bn(b, x, width, 1 if op == "2" else 3, path, stride=stride)


def _nothing(b: Builder, x: str, width: int, stride: int, path: str) -> str:
    """Add the zeros that a cell gives whose last node no path reaches."""
    n, _, height, columns = b.types[x].shape
    shape = (n, width, (height - 1) // stride + 1, (columns - 1) // stride + 1)
    return b("full", shape=shape, value=0.0, path=f"{path}.zero")
