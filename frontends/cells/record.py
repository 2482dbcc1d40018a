"""Fields of a literal, read with their types, and errors where one is missing, unknown or of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import NascError, did_you_mean, show
from .literal import Literal
from .text import CellText


@dataclass(frozen=True, slots=True)
class Record:
    """The named fields of one literal of a string."""

    cell: CellText
    fields: dict[str, Literal]
    position: int

    @classmethod
    def of(cls, cell: CellText, literal: Literal, known: Sequence[str], needed: Sequence[str]) -> Record:
        """Return the fields of a literal. Raises NascError where it has none, unknown ones, or too few."""
        fields = literal.value
        if not isinstance(fields, dict):
            raise cell.error(literal.position, "this has no named fields", f"expected the fields {', '.join(needed)}")
        findings = [
            cell.finding(item.position, f"{name!r} is no field of {cell.family}", did_you_mean(name, known))
            for name, item in fields.items()
            if name not in known
        ]
        findings += [
            cell.finding(literal.position, f"the field {name!r} is missing", f"expected the fields {', '.join(needed)}")
            for name in needed
            if name not in fields
        ]
        if findings:
            raise cell.errors(findings)
        return cls(cell, fields, literal.position)

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number within bounds. Raises NascError where it is none."""
        if name not in self.fields and default is not None:
            return default
        return self.whole(self.fields[name], name, low, high)

    def integers(self, name: str, low: int, high: int, length: int | None = None) -> tuple[int, ...]:
        """Return a list of whole numbers, of this length. Raises NascError where it is none."""
        items = self.items(name)
        if length is not None and len(items) != length:
            raise self._fail(self.fields[name], f"{name} has {len(items)} entries", f"expected {length}, as in ds")
        return tuple(self.whole(item, name, low, high) for item in items)

    def numbers(self, name: str, low: float, high: float, length: int) -> tuple[float, ...]:
        """Return a list of numbers, of this length. Raises NascError where it is none."""
        items = self.items(name)
        if len(items) != length:
            raise self._fail(self.fields[name], f"{name} has {len(items)} entries", f"expected {length}, as in ds")
        return tuple(self._number(item, name, low, high) for item in items)

    def items(self, name: str) -> tuple[Literal, ...]:
        """Return the entries of a list. Raises NascError where the field is none."""
        literal = self.fields[name]
        if not isinstance(literal.value, tuple):
            raise self._fail(literal, f"{name} is no list", "expected [ ... ]")
        return literal.value

    def word(self, name: str, choices: Sequence[str]) -> str:
        """Return one of some words. Raises NascError with the nearest."""
        return self.choice(self.fields[name], name, choices)

    def choice(self, literal: Literal, what: str, choices: Sequence[str]) -> str:
        """Return the word that a literal is. Raises NascError with the nearest of the choices."""
        if not isinstance(literal.value, str):
            raise self._fail(literal, f"{what} is no quoted word", f"expected one of: {', '.join(choices)}")
        if literal.value not in choices:
            raise self.cell.misspelt(literal.position, literal.value, choices, what)
        return literal.value

    def whole(self, literal: Literal, what: str, low: int, high: int) -> int:
        """Return the whole number that a literal is. Raises NascError where it is out of bounds."""
        value = literal.value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._fail(
                literal, f"{what} cannot be {_shown(literal)}", f"expected a whole number from {low} to {high}"
            )
        return value

    def _number(self, literal: Literal, what: str, low: float, high: float) -> float:
        value = literal.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._fail(
                literal, f"{what} cannot be {_shown(literal)}", f"expected a number from {low:g} to {high:g}"
            )
        return value

    def _misfit(self, literal: Literal, what: str, wanted: str) -> NascError:
        return self._fail(literal, f"{what} cannot be {_shown(literal)}", f"expected {wanted}")

    def _fail(self, literal: Literal, message: str, hint: str) -> NascError:
        return self.cell.error(literal.position, message, hint)


def _shown(literal: Literal) -> str:
    value = literal.value
    if isinstance(value, tuple | dict):
        return "a list" if isinstance(value, tuple) else "a record"
    return show(value)
