"""Passes that fill in types and hold a module to what it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir import Diagnostic, Module, NascError, checked, infer
from .costs import cost
from .limits import parse_limit, show_count


@dataclass(frozen=True)
class Infer:
    """Fill in every type that can be inferred; says nothing of what is wrong."""

    name: ClassVar[str] = "infer"

    def __call__(self, module: Module) -> Module:
        """Return the module with types."""
        return infer(module).module


@dataclass(frozen=True)
class Check:
    """Fill in all types and report everything that is wrong, sizes over the limits included.

    ``max_params`` bounds the trainable parameters, ``max_macs`` the multiply-accumulates of one sample;
    both are numbers or words such as ``10M``.
    """

    name: ClassVar[str] = "check"
    max_params: str | int | None = None
    max_macs: str | int | None = None

    def __post_init__(self) -> None:
        """Turn the limits into numbers. Raises NascError where one is no number."""
        for option in ("max_params", "max_macs"):
            value = getattr(self, option)
            if value is not None:
                object.__setattr__(self, option, parse_limit(value))

    def __call__(self, module: Module) -> Module:
        """Return the module with types. Raises NascError with every finding."""
        typed = checked(module)
        found = self._over(typed) if self.max_params is not None or self.max_macs is not None else []
        if found:
            raise NascError(*found)
        return typed

    def _over(self, module: Module) -> list[Diagnostic]:
        total = cost(module)
        measured = (
            ("parameters", total.params, self.max_params),
            ("multiply-accumulates", total.macs, self.max_macs),
        )
        return [
            Diagnostic(
                f"@{module.entry} has {show_count(value)} {what} ({value:,})",
                f"expected at most {show_count(limit)}",
                "limit",
                graph=module.entry,
            )
            for what, value, limit in measured
            if isinstance(limit, int) and value > limit
        ]
