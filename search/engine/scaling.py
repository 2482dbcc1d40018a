"""Scaling by width: every inner layer of a network narrower by one factor, its interface as it was.

A width goes to the same new width wherever it occurs, so residual sums still fit; it stays a multiple of whatever its
layers divide it by (groups, heads), else of 8, 4 or 2. What then does not fit is left to ``passes.Legalize``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import lcm, prod
from typing import cast

from ...ir import Dim, Graph, Module, NascError, Node, Op, checked, infer
from ...ir.ops.convolution import Convolution
from ...ir.ops.normalization import GroupNorm
from ...ir.ops.shape import Reshape, Unflatten
from ...ir.ops.source import Parameter
from ...passes import Legalize, Outline, inline
from ..vocabulary import last_layers

STEPS = 64
"""The factors that are tried are 1/64 to 63/64."""
_SMALLEST = 8
"""Widths below this are as likely a number of heads, taps or classes: they are never looked for in shapes."""

_WIDTHS = {
    **dict.fromkeys(("lstm", "gru", "rnn"), "hidden_size"),
    "embedding": "embedding_dim",
    "linear": "out_features",
}
"""Which attribute of a layer, but for convolutions, is its width."""

Fits = Callable[[Module], Module | None]


def narrowed(module: Module, fits: Fits) -> Module | None:
    """Return the widest scaled network that fits, found by bisection; None where none does.

    ``fits`` returns a network in its final form, None where it is too large, and raises NascError where it is not of
    the space: a space that refuses the first two is not searched further.
    """
    best: Module | None = None
    low, high, refused = 0, STEPS, 0
    while high - low > 1 and (refused < 2 or best is not None):
        middle = (low + high) // 2
        try:
            found = fits(scaled(module, middle / STEPS))
        except NascError:
            found, refused = None, refused + 1
        if found is None:
            high = middle
        else:
            best, low = found, middle
    return best


def scaled(module: Module, factor: float) -> Module:
    """Return a network whose inner widths are multiplied by a factor between 0 and 1.

    Blocks are factored out again where the network had blocks. Raises NascError where no repair makes it type.
    """
    flat = infer(inline(module)).module
    graph = flat.main
    widths = _Widths(graph, factor)
    nodes = tuple(replace(node, op=widths.op(node), types=()) for node in graph.nodes)
    changed = flat.with_graph(replace(graph, nodes=nodes))
    legal = checked(Legalize(before=flat)(changed))
    return checked(Outline()(legal)) if len(module.graphs) > 1 else legal


class _Widths:
    """Which width every width of a graph becomes."""

    def __init__(self, graph: Graph, factor: float) -> None:
        self.factor = factor
        self.types = graph.value_types()
        self.kept = last_layers(graph)
        self.widths = {w for node in graph.nodes if (w := _made(node.op)) is not None and node.name not in self.kept}
        self.divisors: dict[int, int] = {}
        for node in graph.nodes:
            self._divide(node)

    def op(self, node: Node) -> Op:
        """Return the op of a node, narrower."""
        op = node.op
        if node.name in self.kept:
            return op
        if isinstance(op, Convolution):
            return self._convolution(node, op)
        if (attribute := _WIDTHS.get(op.name)) is not None:
            return op.replace(**{attribute: self.new(op.attributes()[attribute])})
        if isinstance(op, Parameter):
            return op.replace(shape=tuple(self.found(dim) for dim in op.shape))
        if isinstance(op, Reshape):
            return op.replace(shape=self._shape(node, op.shape))
        if isinstance(op, Unflatten):
            return op.replace(sizes=self._parts(self._axis(node, op), op.sizes) or op.sizes)
        return op

    def new(self, width: object) -> Dim:
        """Return what a width of a layer becomes; symbols stay."""
        if not isinstance(width, int):
            return cast(Dim, width)
        multiple = self.divisors.get(width) or _multiple(width)
        return min(width, multiple * max(1, round(width * self.factor / multiple)))

    def found(self, dim: Dim) -> Dim:
        """Return what a number in a shape becomes: another one if it is a width."""
        return self.new(dim) if isinstance(dim, int) and dim >= _SMALLEST and dim in self.widths else dim

    def _convolution(self, node: Node, op: Convolution) -> Op:
        inner = self.types[node.operands[0]].shape[1]
        if isinstance(inner, int) and op.groups == inner and inner > 1 and isinstance(op.out_channels, int):
            groups = self.new(inner)
            return op.replace(groups=groups, out_channels=op.out_channels // inner * groups)
        return op.replace(out_channels=self.new(op.out_channels))

    def _divide(self, node: Node) -> None:
        """Note what a width must remain a multiple of."""
        op = node.op
        if not node.operands:
            return
        shape = self.types[node.operands[0]].shape
        if isinstance(op, Convolution) and len(shape) > 1 and op.groups != shape[1]:
            self._need(shape[1], op.groups)
            self._need(op.out_channels, op.groups)
        elif isinstance(op, GroupNorm) and len(shape) > 1:
            self._need(shape[1], op.num_groups)
        elif isinstance(op, Reshape):
            place = _split(shape, op.shape)
            if place is not None:
                start, end = place
                self._need(shape[start], _product(op.shape[start : end - 1]))
        elif isinstance(op, Unflatten):
            self._need(self._axis(node, op), _product(op.sizes[:-1]))

    def _need(self, width: Dim, divisor: Dim) -> None:
        if not (isinstance(width, int) and isinstance(divisor, int)) or divisor < 2:
            return
        both = lcm(self.divisors.get(width, 1), divisor)
        if width % both == 0:
            self.divisors[width] = both

    def _shape(self, node: Node, shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
        before = self.types[node.operands[0]].shape
        place = _split(before, shape)
        if place is not None:
            start, end = place
            parts = self._parts(before[start], shape[start:end])
            if parts is not None:
                shape = (*shape[:start], *parts, *shape[end:])
                return tuple(dim if start <= i < end else self.found(dim) for i, dim in enumerate(shape))
        return tuple(map(self.found, shape))

    def _parts(self, width: Dim, sizes: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
        """Return sizes whose product is the new width: the last one changes. None where they are not of a width."""
        lead = _product(sizes[:-1])
        if not isinstance(width, int) or width not in self.widths or not isinstance(lead, int) or lead < 1:
            return None
        wider = self.new(width)
        return (*sizes[:-1], wider // lead) if isinstance(wider, int) and wider % lead == 0 else None

    def _axis(self, node: Node, op: Unflatten) -> Dim:
        return self.types[node.operands[0]].shape[op.dim]


def _made(op: Op) -> int | None:
    """Return the width that a layer makes."""
    attribute = "out_channels" if isinstance(op, Convolution) else _WIDTHS.get(op.name)
    width = op.attributes()[attribute] if attribute else None
    return width if isinstance(width, int) else None


def _split(before: tuple[Dim, ...], after: tuple[Dim, ...]) -> tuple[int, int] | None:
    """Return from where to where a reshaped shape has the parts of one axis that was split; None where none was."""
    extra = len(after) - len(before)
    if extra < 1:
        return None
    start = 0
    while start < len(before) - 1 and before[start] == after[start]:
        start += 1
    end = start + extra + 1
    rest = before[start + 1 :]
    same = all(b in (a, -1) for a, b in zip(rest, after[end:], strict=True))
    total = _product(after[start:end])
    return (start, end) if same and total == before[start] else None


def _product(dims: tuple[Dim, ...]) -> Dim:
    """Return the product of numbers, 0 where one is none."""
    return prod(dim for dim in dims if isinstance(dim, int)) if all(isinstance(dim, int) for dim in dims) else 0


def _multiple(width: int) -> int:
    return 8 if width >= 64 else 4 if width >= 16 else 2 if width >= 8 else 1
