"""Sizes of a graph as expressions over the variables of a block: B, C, dim, H and W."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...ir import Diagnostic, Dim, Expr, Graph, NascError, substitute, symbol


@dataclass(frozen=True)
class Variables:
    """What stands for the sizes of a graph: its symbols by the names that the language has, numbers by guesses.

    A graph whose input is ``[N,64,32,32]`` is written for all C, H and W. Each expression has the value of the number
    at those sizes; that they fit all sizes is checked by reading the block again.
    """

    renamed: Mapping[str, Dim]
    channels: int | None
    out: int | None
    sizes: tuple[int | None, int | None]

    def dim(self, size: Dim) -> Dim:
        """Return a size with the language's variables for the graph's symbols."""
        return substitute(size, self.renamed)

    def channel(self, size: Dim) -> Dim:
        """Return a number of channels; a number that is a multiple or a part of C as that."""
        if isinstance(size, Expr) or self.channels is None:
            return self.dim(size)
        if size == self.channels:
            return symbol("C")
        if size == self.out:
            return symbol("dim")
        if size % self.channels == 0:
            return symbol("C") * (size // self.channels)
        return symbol("C") // (self.channels // size) if self.channels % size == 0 and size > 1 else size

    def place(self, size: Dim, axis: int) -> Dim:
        """Return a size in a shape: channels come first, then height and width."""
        height, width = self.sizes
        if isinstance(size, Expr) or size in (1, -1):
            return self.dim(size)
        if axis == 1 and self.channels and (size % self.channels == 0 or size == self.out):
            return self.channel(size)
        if height and width:
            found = {height * width: symbol("H") * symbol("W"), height: symbol("H"), width: symbol("W")}
            if size in found and not (size == height and axis > 2 and width == height):
                return found[size]
            if size == width:
                return symbol("W")
        return self.channel(size)


def variables_of(graph: Graph) -> Variables:
    """Return the variables of a graph. Raises NascError with every reason why it is no block."""
    reasons: list[str] = []
    shape = graph.inputs[0].type.shape if len(graph.inputs) == 1 else ()
    if len(shape) != 4:
        reasons.append(f"@{graph.name} takes {_inputs(graph)}; a block takes one feature map, [N,C,H,W]")
    if len(graph.outputs) != 1 or graph.output_types[0].rank != 4:
        shown = ", ".join(map(str, graph.output_types))
        reasons.append(f"@{graph.name} returns {shown}; a block returns one feature map, [N,C,H,W]")
    if len(graph.symbols) > 1:
        reasons.append(f"@{graph.name} has the symbols {', '.join(graph.symbols)}; a block has dim at most")
    if reasons:
        raise NascError(*(_reason(text, graph) for text in reasons))
    names = ("B", "C", "H", "W")
    renamed: dict[str, Dim] = {name: symbol("dim") for name in graph.symbols}
    for name, size in zip(names, shape, strict=True):
        if isinstance(size, Expr):
            renamed.setdefault(str(size), symbol(name))
    channels, height, width = (size if isinstance(size, int) else None for size in shape[1:])
    out = graph.output_types[0].shape[1]
    return Variables(renamed, channels, out if isinstance(out, int) else None, (height, width))


def _reason(message: str, graph: Graph) -> Diagnostic:
    return Diagnostic(message, "", "nader", graph=graph.name)


def _inputs(graph: Graph) -> str:
    return ", ".join(str(value.type) for value in graph.inputs) or "nothing"
