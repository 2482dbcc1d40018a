"""The operations of the NADER block language: their attributes, what these may hold, and how many operands.

Source: table A6 of the paper (arXiv 2412.19206). What an operation means in the IR is in
:mod:`nasc.grammar.nader.meaning`; how the IR is written in this language in :mod:`nasc.backends.nader`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

# size: an expression over C and dim; window: a number or two; axis, axes: numbers; sizes: expressions, -1 for open.
Kind = Literal["size", "window", "axis", "axes", "sizes"]
VARIABLES = ("B", "C", "H", "W", "dim")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: its name, what it may hold, and its default (None: it must be given)."""

    name: str
    kind: Kind
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: attributes in the order of positions and the least and most number of operands.

    The arguments of ``starred`` ones are together the only attribute: ``permute(0,2,3,1)``. A ``layer`` has
    weights or a window, so it has a name of its own in the source model.
    """

    name: str
    attributes: tuple[Attribute, ...] = ()
    least: int = 1
    most: int | None = 1
    starred: bool = False
    layer: bool = False

    def usage(self) -> str:
        """Return how the operation is written, attributes with defaults last."""
        if self.starred:
            return f"{self.name}({', '.join(('0,2,3,1' if self.name == 'permute' else 'B,C,-1',))})"
        shown = (a.name if a.default is None else f"{a.name}={a.default}" for a in self.attributes)
        return f"{self.name}({', '.join(shown)})" if self.attributes else self.name


_WINDOW = (Attribute("kernel_size", "window"), Attribute("stride", "window"))
_DIM = (Attribute("dim", "axis"),)
_AXES = (Attribute("dim", "axes"),)
_OUTPUT_SIZE = (Attribute("output_size", "window"),)
_ALL = (
    Operation("input", least=0, most=0),
    Operation("output"),
    Operation(
        "Conv2d",
        (
            Attribute("out_channels", "size"),
            Attribute("kernel_size", "window"),
            Attribute("stride", "window", 1),
            Attribute("dilation", "window", 1),
            Attribute("groups", "size", 1),
        ),
        layer=True,
    ),
    Operation("Linear", (Attribute("out_channels", "size"),), layer=True),
    Operation("AvgPool2d", _WINDOW, layer=True),
    Operation("MaxPool2d", _WINDOW, layer=True),
    Operation("AdaptiveAvgPool2d", _OUTPUT_SIZE, layer=True),
    Operation("AdaptiveMaxPool2d", _OUTPUT_SIZE, layer=True),
    Operation("BN", layer=True),
    Operation("LN", layer=True),
    Operation("ReLU"),
    Operation("GELU"),
    Operation("Sigmoid"),
    Operation("softmax", _DIM),
    Operation("Add", least=2, most=None),
    Operation("Mul", least=2, most=None),
    Operation("Multiply", least=2, most=2),
    Operation("concat", _DIM, least=2, most=None),
    Operation("mean", _AXES),
    Operation("max", _AXES),
    Operation("sum", _AXES),
    Operation("permute", (Attribute("dims", "axes"),), starred=True),
    Operation("repeat", (Attribute("sizes", "sizes"),), starred=True),
    Operation("reshape", (Attribute("shape", "sizes"),), starred=True),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({operation.name: operation for operation in _ALL})
_LOWER = {name.lower(): operation for name, operation in OPERATIONS.items()}


def operation_named(name: str) -> Operation | None:
    """Return the operation of this name, in letters of any case: the paper has both ``Add`` and ``concat``."""
    return _LOWER.get(name.lower())
