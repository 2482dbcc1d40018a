"""Reading a network back as a cell of NAS-Bench-201: whatever edits made of it, or why it is none."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from ...frontends.cells.nb201 import OPERATIONS, cell, reduction, skeleton
from ...ir import Diagnostic, Graph, Module, NascError, Node, digest, memoised, show
from ...ir.digest import op_label
from .nb201_form import Form, Sum, index

EXPECTED = f"expected one of {', '.join(OPERATIONS)}"
_EDGE = re.compile(r"edges\.(\d)_(\d)\b")
_CONV = "relu, then conv2d {out_channels=C, bias=false} of kernel 1 or of kernel 3 with padding 1, then batch_norm"


@memoised
def recognise(module: Module) -> str:
    """Return the string that stands for the cell of a network, whatever its nodes are called.

    The network must be the benchmark's skeleton, for any number of classes, around its ``@cell``. Raises NascError
    with everything in the cell that is none of the five operations, by edge, or with what is wrong around it.
    """
    if not module.has("cell"):
        raise _refused("the network has no block @cell", "the space nb201 is the networks around such a block")
    _around(module)
    reader = _Reader(module.graph("cell"))
    output = reader.read()
    known = index().get(reader.form.key(output))
    if known is None:
        hint = "each of nodes 1 to 3 may read each earlier node once, through one operation"
        raise _refused("the cell needs more than four nodes with one operation an edge", hint)
    return known


def _refused(message: str, hint: str) -> NascError:
    return NascError.of(message, hint, "nb201")


@memoised
def _around(module: Module) -> None:
    """Raise NascError where the network around the cell is not the benchmark's."""
    main = module.main
    classes = [getattr(node.op, "out_features", None) for node in main.nodes if node.op.name == "linear"]
    own = Module(tuple(_EMPTY if graph.name == "cell" else graph for graph in module.graphs), module.entry)
    if len(classes) == 1 and isinstance(classes[0], int) and digest(own) == digest(_skeleton(classes[0])):
        return
    raise _refused(
        "the network around @cell is not the skeleton of nb201",
        "leave the stem, the reductions and the head as they are; change the cell alone",
    )


_EMPTY = cell(())


@lru_cache(maxsize=8)
def _skeleton(classes: int) -> Module:
    """Return the network of a cell of zeros."""
    return Module((skeleton(classes), _EMPTY, reduction()), "main")


class _Reader:
    """Goes through a block node by node: each value is a sum, a rectified sum, or a convolution of one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.form = Form()
        self.sums: dict[str, Sum] = {}
        self.rectified: dict[str, Sum] = {}
        self.convolved: dict[str, tuple[str, Sum]] = {}
        self.paths: set[str] = set()
        self.problems: list[Diagnostic] = []
        self.broken: set[str] = set()

    def read(self) -> Sum:
        """Return the output. Raises NascError with every node that has no place in the space."""
        graph = self.graph
        if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.symbols != ("C",):
            raise _refused("@cell must have one input, one output and the symbol C", "keep its first line as it is")
        self.sums[graph.inputs[0].name] = self.form.input
        for node in graph.nodes:
            if not self.broken.isdisjoint(node.operands):
                self._halves(node)
            elif not self._node(node):
                self._refuse(node)
        output = graph.outputs[0]
        if output not in self.sums and output not in self.broken:
            self._refuse(graph.node(output))
        if self.problems:
            raise NascError(*self.problems)
        return self.sums[output]

    def _halves(self, node: Node) -> bool:
        """Refuse what a sum adds though it is no sum, such as a rectified one; return whether there was any."""
        halves = [name for name in node.operands if name in self.rectified or name in self.convolved]
        for name in halves if node.op.name == "add" else ():
            self._refuse(self.graph.node(name))
        self.broken.update(node.results)
        return bool(halves)

    def _refuse(self, node: Node) -> None:
        hint = f"{EXPECTED}; nor_conv is {_CONV}" if node.op.name in ("conv2d", "batch_norm", "relu") else EXPECTED
        message = f"{_edge(node)} holds {_shown(node)}, which is no operation of nb201"
        self.problems.append(Diagnostic(message, hint, "nb201", graph="cell", node=node.name, path=node.path))
        self.broken.update(node.results)

    def _node(self, node: Node) -> bool:
        """Read a node; return False where it has no place in the space."""
        read = _READERS.get(node.op.name)
        return read is not None and read(self, node)

    def add(self, node: Node) -> bool:
        """Read a sum of sums."""
        if node.op.stated():
            return False
        if any(name not in self.sums for name in node.operands):
            return self._halves(node)
        total: Sum = Counter()
        for name in node.operands:
            total += self.sums[name]
        self.sums[node.name] = total
        return True

    def same(self, node: Node) -> bool:
        """Read a value passed on."""
        return self.pool(node, "skip_connect")

    def zero(self, node: Node) -> bool:
        """Read a product with zero."""
        if len(node.operands) == 1 and getattr(node.op, "other", None) == 0:
            self.sums[node.name] = Counter()
            return True
        return False

    def pool(self, node: Node, operation: str = "avg_pool_3x3") -> bool:
        """Read the pooling, or another operation without weights."""
        operand = self.sums.get(node.operands[0])
        if operand is None or (operation == "avg_pool_3x3" and op_label(node.op) != _POOL):
            return False
        self.sums[node.name] = self.form.apply(operation, operand)
        return True

    def relu(self, node: Node) -> bool:
        """Read the first third of a convolution."""
        operand = self.sums.get(node.operands[0])
        if operand is None:
            return False
        self.rectified[node.name] = operand
        return True

    def conv(self, node: Node) -> bool:
        """Read the second third of a convolution."""
        operand = self.rectified.get(node.operands[0])
        kernel = _CONVS.get(op_label(node.op))
        if operand is None or kernel is None or not self._own(node):
            return False
        self.convolved[node.name] = kernel, operand
        return True

    def norm(self, node: Node) -> bool:
        """Read the last third of a convolution."""
        conv = self.convolved.get(node.operands[0])
        users = sum(node.operands[0] in other.operands for other in self.graph.nodes)
        if conv is None or users != 1 or node.op.stated() or not self._own(node):
            return False
        self.sums[node.name] = self.form.apply(*conv)
        return True

    def _own(self, node: Node) -> bool:
        """Return whether a layer has weights of its own."""
        path = node.path or f"%{node.name}"
        fresh = path not in self.paths and len(node.operands) == 1
        self.paths.add(path)
        return fresh


_READERS = {
    "add": _Reader.add,
    "identity": _Reader.same,
    "mul": _Reader.zero,
    "avg_pool2d": _Reader.pool,
    "relu": _Reader.relu,
    "conv2d": _Reader.conv,
    "batch_norm": _Reader.norm,
}


def _labels() -> tuple[str, dict[str, str]]:
    """Return how the pooling and the convolutions of the benchmark are written, with what each is."""
    found: dict[str, str] = {}
    for operation in OPERATIONS[2:]:
        for node in cell((((0, 3), operation),)).nodes:
            if node.op.name in ("conv2d", "avg_pool2d"):
                found[op_label(node.op)] = operation
    pool = next(label for label, operation in found.items() if operation == "avg_pool_3x3")
    return pool, {label: operation for label, operation in found.items() if label != pool}


_POOL, _CONVS = _labels()


def _edge(node: Node) -> str:
    found = _EDGE.match(node.path)
    return f"edge {found[1]}->{found[2]}" if found else node.path or f"%{node.name} of @cell"


def _shown(node: Node) -> str:
    stated = ", ".join(f"{name}={show(value)}" for name, value in node.op.stated().items())
    return f"{node.op.name} {{{stated}}}" if stated else node.op.name
