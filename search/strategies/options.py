"""Options of strategies: what each may be is stated where it is declared, and held when a strategy is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from ...ir import NascError, did_you_mean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def option(default: T, least: float | None = None, most: float | None = None, names: Sequence[str] = ()) -> T:
    """Return the field of an option: a number from ``least`` to ``most``, or one of some names."""
    return field(default=default, metadata={"least": least, "most": most, "names": tuple(names)})


def check_options(strategy: DataclassInstance) -> None:
    """Check the options of a strategy. Raises NascError with the first that is wrong and what would be right."""
    for item in fields(strategy):
        value = getattr(strategy, item.name)
        if item.metadata and value is not None and (hint := _wrong(item, value)):
            raise NascError.of(f"option {item.name} cannot be {value}", hint, "strategy")


def _wrong(item: Field[Any], value: Any) -> str:
    least, most, names = (item.metadata[name] for name in ("least", "most", "names"))
    if names:
        return "" if value in names else did_you_mean(value, names)
    if most is not None:
        return "" if least <= value <= most else f"expected a number from {least:g} to {most:g}"
    return "" if value >= least else f"expected at least {least:g}"
