"""The op table: every op of the IR, by its name in the text form."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from ..graph import CallBlock
from ..op import Op
from . import (
    activation,
    convolution,
    elementwise,
    linear,
    mathematics,
    normalization,
    ordering,
    pooling,
    recurrent,
    reduction,
    selection,
    shape,
    source,
    volumes,
)

FAMILIES: tuple[ModuleType, ...] = (
    convolution,
    linear,
    normalization,
    activation,
    pooling,
    volumes,
    recurrent,
    elementwise,
    mathematics,
    reduction,
    shape,
    selection,
    ordering,
    source,
)


def _table() -> Mapping[str, type[Op]]:
    table: dict[str, type[Op]] = {"call": CallBlock}
    for family in FAMILIES:
        for value in vars(family).values():
            if isinstance(value, type) and issubclass(value, Op) and value.__dict__.get("name"):
                table[value.name] = value
    return MappingProxyType(table)


OPS: Mapping[str, type[Op]] = _table()

__all__ = ["FAMILIES", "OPS"]
