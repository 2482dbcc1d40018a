"""The rule of every regular call: tensors become operands, other arguments the attributes of the same names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx

from ....ir import Op, attributes_of, build
from ..overloads import Argument
from ..site import Site, Values

_WITHOUT_EFFECT = frozenset(
    {
        "memory_format",
        "layout",
        "device",
        "pin_memory",
        "non_blocking",
        "copy",
        "generator",
        "implicit",
        "path",
    }
)


def spelled(cls: type[Op]) -> Callable[[Site], Values]:
    """Return the rule of an op whose ``aten`` fact names the overload."""
    attributes = attributes_of(cls)

    def rule(site: Site) -> Values:
        operands: list[str] = []
        values: dict[str, Any] = {}
        for argument in site.overload.arguments:
            given = site.args[argument.name]
            if argument.tensor and not _is_number(given):
                operands += _operands(site, argument)
            elif argument.name in attributes:
                if given is not None and given != []:
                    values[argument.name] = given
            elif given != argument.default and argument.name not in _WITHOUT_EFFECT:
                raise site.unsupported(f"{cls.name} has no attribute for {argument.name}={given}")
        made = site.translation.builder.add(build(cls, values), operands, path=site.path, loc=site.loc)
        return made[0] if _single(site) else made

    return rule


def _operands(site: Site, argument: Argument) -> tuple[str, ...]:
    given = site.args[argument.name]
    if given is None:
        return ()
    return site.values(argument.name) if isinstance(given, list) else (site.value(argument.name),)


def _is_number(given: object) -> bool:
    return given is not None and not isinstance(given, fx.Node | list)


def _single(site: Site) -> bool:
    return not isinstance(site.node.meta["val"], list | tuple)
