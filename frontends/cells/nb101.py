"""NAS-Bench-101 rows as networks: an adjacency matrix and the operations of its inner vertices.

Vertex 0 is the cell's input, the last its output. The network is a convolutional stem of 128 channels, three
stacks of three cells with 2x2 max pooling and twice the channels between stacks, and a linear classifier
(Ying et al., "NAS-Bench-101", ICML 2019, section 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from ...ir import Builder, Graph, Loc, Module, NascError, f32, symbol
from .text import CellText

KERNELS = {"0": 3, "1": 1}
STEM = 128
SIZE = 32
STACKS = 3
CELLS = 3
MOST = 30
N = symbol("N")

Matrix = tuple[tuple[bool, ...], ...]


def nb101(adj_upper: str, ops: str, classes: int = 10) -> Module:
    """Return the network of a row, for inputs ``f32[N,3,32,32]``.

    ``adj_upper`` is the strict upper triangle of the adjacency matrix row by row, ``ops`` one digit an inner
    vertex: 0 conv3x3-bn-relu, 1 conv1x1-bn-relu, 2 maxpool3x3. Vertices that are not on a path from input to
    output are left out. Raises NascError where the two do not fit each other or no path exists.
    """
    matrix, labels = pruned(read_matrix(adj_upper, ops), ops)
    return Module((skeleton(classes), *_cells(matrix, labels)), "main", {"source": f"nb101:{adj_upper}:{ops}"})


def decode(text: str) -> Module:
    """Return the network of ``ADJACENCY:OPERATIONS``, the columns adj_upper and ops of the table. Raises NascError."""
    adjacency, colon, ops = text.partition(":")
    if not colon:
        hint = "expected ADJACENCY:OPERATIONS, such as 100110100001001010101:02001"
        raise CellText("nb101", text).error(len(text), "the operations are missing", hint)
    return nb101(adjacency, ops)


@cache
def skeleton(classes: int) -> Graph:
    """Return the network around the cells: it does not depend on what the cells hold."""
    blocks = {graph.name: graph for graph in _cells(((False, True), (False, False)), "")}
    b = Builder("main", blocks=blocks)
    x = b.input("x", f32(N, 3, SIZE, SIZE))
    x = _conv_bn_relu(b, x, STEM, 3, "stem")
    channels = STEM
    for stack in range(STACKS):
        width = STEM << stack
        if stack:
            x = b("max_pool2d", x, kernel_size=2, stride=2, path=f"stacks.{stack}.pool")
        for index in range(CELLS):
            (x,) = b.call(f"cell_{channels}_{width}", x, path=f"stacks.{stack}.cells.{index}")
            channels = width
    x = b("adaptive_avg_pool2d", x, output_size=1, path="head.pool")
    x = b("flatten", x, start_dim=1, path="head.flatten")
    return b.finish(b("linear", x, out_features=classes, path="head.linear"))


def read_matrix(adj_upper: str, ops: str) -> Matrix:
    """Return the adjacency matrix. Raises NascError where its size does not fit the operations."""
    cell = CellText("nb101", f"{adj_upper}:{ops}")
    if len(ops) > MOST:
        hint = f"expected at most {MOST}; the benchmark has 5"
        raise cell.error(len(adj_upper) + 1 + MOST, f"the cell has {len(ops)} operations", hint)
    cell.digits(len(adj_upper) + 1, len(cell.text), len(ops), "012", "operation")
    size = len(ops) + 2
    cell.digits(0, len(adj_upper), size * (size - 1) // 2, "01", "entry of the adjacency matrix")
    bits = iter(adj_upper)
    return tuple(tuple(next(bits) == "1" if j > i else False for j in range(size)) for i in range(size))


def pruned(matrix: Matrix, ops: str) -> tuple[Matrix, str]:
    """Return matrix and operations without the vertices that are on no path from input to output."""
    last = len(matrix) - 1
    forward, backward = {0}, {last}
    for j in range(1, last + 1):
        if any(matrix[i][j] for i in forward):
            forward.add(j)
    for i in range(last - 1, -1, -1):
        if any(matrix[i][j] for j in backward):
            backward.add(i)
    keep = sorted(forward & backward)
    if 0 not in keep or last not in keep:
        hint = "expected a path of ones from the first vertex to the last"
        message = "the output of the nb101 cell is not reached from its input"
        raise NascError.of(message, hint, "cell-string", Loc("nb101", 1, 1))
    return (
        tuple(tuple(matrix[i][j] for j in keep) for i in keep),
        "".join(ops[i - 1] for i in keep[1:-1]),
    )


def vertex_channels(matrix: Matrix, channels: int, width: int) -> list[int]:
    """Return the output channels of every vertex: those that lead to the output share its channels."""
    last = len(matrix) - 1
    result = [channels] + [0] * (last - 1) + [width]
    leading = [v for v in range(1, last) if matrix[v][last]]
    for rank, v in enumerate(leading):
        result[v] = width // len(leading) + (rank < width % len(leading))
    for v in range(last - 1, 0, -1):
        if not matrix[v][last]:
            result[v] = max(result[w] for w in range(v + 1, last) if matrix[v][w])
    return result


def _cells(matrix: Matrix, ops: str) -> Iterator[Graph]:
    for stack in range(STACKS):
        width, size = STEM << stack, SIZE >> stack
        if stack:
            yield _cell(f"cell_{width // 2}_{width}", matrix, ops, width // 2, width, size)
        yield _cell(f"cell_{width}_{width}", matrix, ops, width, width, size)


def _cell(name: str, matrix: Matrix, ops: str, channels: int, width: int, size: int) -> Graph:
    b = Builder(name)
    x = b.input("x", f32(N, channels, size, size))
    last = len(matrix) - 1
    widths = vertex_channels(matrix, channels, width)
    values = {0: x}
    for v in range(1, last):
        inputs = [_truncated(b, values[u], widths[v], f"truncate{u}_{v}") for u in range(1, v) if matrix[u][v]]
        if matrix[0][v]:
            inputs.append(_conv_bn_relu(b, x, widths[v], 1, f"projection{v}"))
        values[v] = _vertex(b, _sum(b, inputs, f"sum{v}"), ops[v - 1], widths[v], f"vertex{v}")
    leading = [values[v] for v in range(1, last) if matrix[v][last]]
    result = [b("cat", *leading, dim=1, path="concat") if len(leading) > 1 else leading[0]] if leading else []
    if matrix[0][last]:
        result.append(_conv_bn_relu(b, x, width, 1, f"projection{last}"))
    return b.finish(_sum(b, result, f"sum{last}"))


def _vertex(b: Builder, x: str, op: str, width: int, path: str) -> str:
    if op == "2":
        return b("max_pool2d", x, kernel_size=3, stride=1, padding=1, path=path)
    return _conv_bn_relu(b, x, width, KERNELS[op], path)


def _sum(b: Builder, values: Sequence[str], path: str) -> str:
    total = values[0]
    for value in values[1:]:
        total = b("add", total, value, path=path)
    return total


def _truncated(b: Builder, x: str, width: int, path: str) -> str:
    if b.types[x].shape[1] == width:
        return x
    return b("slice", x, dim=1, end=width, path=path)


def _conv_bn_relu(b: Builder, x: str, width: int, kernel: int, path: str) -> str:
    x = b(
        "conv2d",
        x,
        out_channels=width,
        kernel_size=kernel,
        padding=kernel // 2,
        bias=False,
        path=f"{path}.conv",
    )
    x = b("batch_norm", x, path=f"{path}.bn")
    return b("relu", x, path=f"{path}.relu")
