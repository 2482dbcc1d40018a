"""Sizes: symbolic dimensions as Python expressions."""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Dim, FloorDiv

Atom = Callable[[str], str]


def size(dim: Dim, symbol: Atom) -> str:
    """Return a dimension as Python text; ``symbol`` gives the text of a symbol, which must bind tightly."""
    if isinstance(dim, int):
        return str(dim)
    text = ""
    for monomial, coefficient in dim.terms:
        term = _term([_atom(atom, symbol) for atom in monomial], abs(coefficient))
        if not text:
            text = term if coefficient > 0 else f"-({term})" if "//" in term else f"-{term}"
        else:
            text += f" - {term}" if coefficient < 0 else f" + {term}"
    return text


def tight(text: str) -> str:
    """Return an expression that can stand as an operand of any operator."""
    return f"({text})" if " " in text or text.startswith("-") else text


def _term(factors: list[str], coefficient: int) -> str:
    if not factors:
        return str(coefficient)
    if coefficient == 1 and len(factors) == 1:
        return factors[0]
    if coefficient != 1:
        factors = [*factors, str(coefficient)]
    return " * ".join(tight(factor) for factor in factors)


def _atom(atom: str | FloorDiv, symbol: Atom) -> str:
    if isinstance(atom, str):
        return symbol(atom)
    return f"{tight(size(atom.numerator, symbol))} // {tight(size(atom.denominator, symbol))}"
