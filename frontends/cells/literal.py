"""Nested literals with the place of each: JSON, and what Python prints for a genotype. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...ir import NascError
from .text import CellText

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"\\]*"|'[^'\\]*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<mark>[][(){}:=,]))"""
)
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_NAMED: Mapping[str, bool | None] = {"true": True, "True": True, "false": False, "False": False} | {
    "null": None,
    "None": None,
}
DEPTH = 16
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Literal:
    """A value at a position: a scalar, a tuple of literals, or a mapping of names to literals."""

    value: str | float | bool | tuple[Literal, ...] | dict[str, Literal] | None
    position: int


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: its kind (text, number, name, mark, end), what stands there and where."""

    kind: str
    text: str
    position: int


def read_literal(cell: CellText) -> Literal:
    """Return the value that the whole string spells. Raises NascError at the first piece that does not fit."""
    reader = Reader(cell, _tokens(cell))
    value = reader.value(0)
    reader.expect("end", "", "the end")
    return value


def _tokens(cell: CellText) -> list[Token]:
    tokens: list[Token] = []
    position, text = 0, cell.text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            hint = "expected lists, tuples, names, numbers and quoted words"
            raise cell.error(position, f"{text[position]!r} cannot be read", hint)
        group = found.lastgroup
        tokens.append(Token(group, found[group], found.start(group)))
        position = found.end()
    return [*tokens, Token("end", "", len(text))]


class Reader:
    """Reads one value after another off the tokens."""

    def __init__(self, cell: CellText, tokens: list[Token]) -> None:
        """Start at the first token."""
        self.cell = cell
        self.tokens = tokens
        self.index = 0

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def at(self, mark: str) -> bool:
        """Return whether the next token is this mark."""
        token = self.tokens[self.index]
        return token.kind == "mark" and token.text == mark

    def expect(self, kind: str, text: str, wanted: str) -> Token:
        """Return the next token. Raises NascError where it is another than expected."""
        token = self.take()
        if token.kind != kind or (text and token.text != text):
            raise self.unexpected(token, wanted)
        return token

    def unexpected(self, token: Token, wanted: str) -> NascError:
        """Return the error that another token was expected."""
        found = f"{token.text} is not expected here" if token.text else "the string ends too early"
        return self.cell.error(token.position, found, f"expected {wanted}")

    def value(self, depth: int) -> Literal:
        """Return the next value. Raises NascError where there is none, or values nest too deeply."""
        token = self.take()
        if depth > DEPTH:
            raise self.cell.error(token.position, f"values nest more than {DEPTH} deep", "a genotype nests 4 deep")
        if token.kind == "text":
            return Literal(token.text[1:-1], token.position)
        if token.kind == "number":
            return Literal(_number(token.text), token.position)
        if token.kind == "name":
            return self.named(token, depth)
        if token.text == "{":
            return Literal(self.pairs("}", ":", depth), token.position)
        if token.kind == "mark" and token.text in _CLOSING:
            return Literal(self.items(_CLOSING[token.text], depth), token.position)
        raise self.unexpected(token, "a value")

    def named(self, token: Token, depth: int) -> Literal:
        """Return a truth value, a range, or the keyword arguments of a call."""
        if token.text in _NAMED:
            return Literal(_NAMED[token.text], token.position)
        self.expect("mark", "(", "( after a name")
        if token.text == "range":
            return Literal(self.range(depth), token.position)
        if token.text == "list":
            value = self.value(depth + 1)
            self.expect("mark", ")", ")")
            return value
        return Literal(self.pairs(")", "=", depth), token.position)

    def range(self, depth: int) -> tuple[Literal, ...]:
        """Return the numbers of ``range(start, end)`` or ``range(end)``. Raises NascError where they are none."""
        bounds = self.items(")", depth)
        place = self.tokens[self.index - 1].position
        numbers = [item.value for item in bounds if isinstance(item.value, int)]
        if len(numbers) != len(bounds) or not 1 <= len(bounds) <= 2 or max(map(abs, numbers)) > LONGEST:
            raise self.cell.error(place, "this range cannot be read", "expected range(2, 6)")
        return tuple(Literal(number, place) for number in range(*numbers))

    def items(self, closing: str, depth: int) -> tuple[Literal, ...]:
        """Return the values up to the closing bracket."""
        found: list[Literal] = []
        while not self.at(closing):
            found.append(self.value(depth + 1))
            if not self.at(closing):
                self.expect("mark", ",", f", or {closing}")
        self.take()
        return tuple(found)

    def pairs(self, closing: str, between: str, depth: int) -> dict[str, Literal]:
        """Return the named values up to the closing bracket. Raises NascError where a name comes twice."""
        found: dict[str, Literal] = {}
        while not self.at(closing):
            key = self.expect("text" if between == ":" else "name", "", "a name")
            name = key.text.strip("\"'")
            if name in found:
                raise self.cell.error(key.position, f"{name!r} is given twice", "give it once")
            self.expect("mark", between, f"{between} after {name}")
            found[name] = self.value(depth + 1)
            if not self.at(closing):
                self.expect("mark", ",", f", or {closing}")
        self.take()
        return found


def _number(text: str) -> float:
    return int(text) if len(text) < 19 and text.lstrip("-").isdigit() else float(text)
