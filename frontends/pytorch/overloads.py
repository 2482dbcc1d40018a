"""ATen overloads: name, arguments and what they do to memory, read once from PyTorch's schemas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch._ops import OpOverload

_SECOND_NAMES = {
    "absolute": "abs",
    "arctan": "atan",
    "divide": "div",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "moveaxis": "movedim",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "subtract": "sub",
    "swapaxes": "transpose",
    "swapdims": "transpose",
}
"""Operations of ATen that are others by a second name, with the same arguments in the same order."""


@dataclass(frozen=True)
class Argument:
    """One argument of an ATen schema."""

    name: str
    tensor: bool
    default: Any
    keyword: bool


@dataclass(frozen=True)
class Overload:
    """One ATen overload.

    ``name`` is ``add.Tensor``, with the namespace in front where that is not aten; ``plain`` is the name of the same
    operation out of place (``relu.default`` for ``relu_.default``). ``writes`` says that it changes its first argument,
    ``shares`` that its result may be a view of it.
    """

    name: str
    plain: str
    arguments: tuple[Argument, ...]
    writes: bool
    shares: bool

    @property
    def base(self) -> str:
        """The name without the overload: ``add``."""
        return self.plain.partition(".")[0]


@cache
def overload(target: OpOverload) -> Overload:
    """Return the facts of an overload."""
    schema = _first_named(target)
    space, _, base = str(schema.name).partition("::")
    kind = schema.overload_name or "default"
    prefix = "" if space == "aten" else f"{space}::"
    dunder = base.startswith("__")
    plain = base[:-1] if base.endswith("_") and not dunder else base
    return Overload(
        f"{prefix}{base}.{kind}",
        f"{prefix}{plain}.{kind}",
        tuple(_argument(argument) for argument in schema.arguments),
        bool(schema.is_mutable),
        any(returned.alias_info is not None for returned in schema.returns),
    )


def _first_named(target: OpOverload) -> Any:
    """Return the schema of an overload, or of the one that it is a second name of."""
    schema = cast("Any", target)._schema
    space, _, base = str(schema.name).partition("::")
    plain = base.removesuffix("_")
    if space != "aten" or plain not in _SECOND_NAMES:
        return schema
    packet = getattr(torch.ops.aten, _SECOND_NAMES[plain] + base[len(plain) :])
    others = [getattr(packet, kind)._schema for kind in packet.overloads()]
    return next((other for other in others if _types(other) == _types(schema)), schema)


def _types(schema: Any) -> list[str]:
    return [str(argument.type) for argument in schema.arguments]


def _argument(argument: Any) -> Argument:
    default = argument.default_value if argument.has_default_value() else None
    return Argument(argument.name, "Tensor" in str(argument.type), default, argument.kwarg_only)
