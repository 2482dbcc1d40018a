"""The syntax of the text form: a lark parser whose rules build plain tuples; no tree is kept or walked.

Nothing here knows the op table; :mod:`nasc.grammar.parser` makes a module of what this returns. A value that
is wrong by itself (an integer that does not fit, a division by zero) becomes a :class:`Fault`, so that
reading goes on and all of them are reported.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from lark import Lark, Token

from ..ir import Dim, Expr, symbol
from ..ir.dims import FloorDiv
from .driver import Driver, SurpriseError

MAX_TERMS = 64
MAX_NESTING = 32
MAX_ATOMS = 256
MAX_INTEGER = 2**63 - 1
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


class Fault(NamedTuple):
    """A value that cannot be what is written, and the place of what is wrong with it."""

    message: str
    hint: str
    line: int
    column: int


Pair = tuple[Token, object]
NotePair = tuple[Token | str | Fault, object]


class Header(NamedTuple):
    """The first line: ``nasc 1 @{...}``."""

    version: Token
    notes: list[NotePair] | None


class RawNode(NamedTuple):
    """A node line; ``op`` is ``call`` where ``callee`` is given. Lists are of tokens."""

    results: list[Token]
    op: Token
    callee: Token | None
    operands: list[Token] | None
    attributes: list[Pair] | None
    types: list[Token] | None
    path: Token | None
    notes: list[NotePair] | None


class RawReturn(NamedTuple):
    """A return line."""

    keyword: Token
    values: list[Token]


class RawGraph(NamedTuple):
    """A graph, with the table that follows it."""

    name: Token
    symbols: list[Token]
    inputs: list[tuple[Token, Token]]
    types: list[Token] | None
    body: list[RawNode | RawReturn]
    locations: list[tuple[Token, Token]]
    scopes: list[tuple[Token, Token | str | Fault]]


class RawFile(NamedTuple):
    """A whole text."""

    header: Header
    graphs: list[RawGraph]


def unquote(token: Token, quoted: str) -> str | Fault:
    """Return the text of a quoted string."""
    body = quoted[1:-1]
    if "\\" not in body:
        return body
    for match in _ESCAPE.finditer(body):
        if len(match[1]) == 1 and match[1] not in _ESCAPES:
            hint = 'expected \\\\, \\", \\n, \\r, \\t or \\uXXXX'
            return Fault(f"unknown escape {match[0]} in a string", hint, *place(token))
    return _ESCAPE.sub(lambda m: _ESCAPES[m[1]] if len(m[1]) == 1 else chr(int(m[1][1:], 16)), body)


def place(token: Token) -> tuple[int, int]:
    """Return the line and column of a token; 0 where it has none."""
    return token.line or 0, token.column or 0


class _Rules:
    """What each rule of nasc.lark makes of its children."""

    def start(self, children: list[Any]) -> RawFile:
        return RawFile(Header(children[0], children[1]), children[2:])

    def graph(self, children: list[Any]) -> RawGraph:
        name, symbols, inputs, types, body, (locations, scopes) = children
        return RawGraph(name, symbols or [], inputs or [], types, body, locations, scopes)

    def table(self, children: list[Any]) -> tuple[list[Any], list[Any]]:
        locations = [(value, where) for kind, value, where in children if kind == "location"]
        return locations, [(path, cls) for kind, path, cls in children if kind == "scope"]

    def location(self, children: list[Any]) -> tuple[str, Token, Token]:
        return ("location", children[0], children[1])

    def scope(self, children: list[Any]) -> tuple[str, Token, object]:
        return ("scope", children[0], children[1])

    def node(self, children: list[Any]) -> RawNode:
        results, op, operands, attributes, types, path, notes = children
        return RawNode(results, op, None, operands, attributes, types, path, notes)

    def call(self, children: list[Any]) -> RawNode:
        results, callee, operands, attributes, types, path, notes = children
        return RawNode(results, callee, callee, operands, attributes, types, path, notes)

    def items(self, children: list[Any]) -> Any:
        items = [item for item in children if item is not None]
        return next((item for item in items if isinstance(item, Fault)), items)

    def plus(self, children: list[Any]) -> Any:
        return combine("+", children[0], children[1])

    def minus(self, children: list[Any]) -> Any:
        return combine("-", children[0], children[1])

    def times(self, children: list[Any]) -> Any:
        return combine("*", children[0], children[1])

    def over(self, children: list[Any]) -> Any:
        return combine("//", children[0], children[1])

    def negative(self, children: list[Any]) -> Any:
        return combine("*", -1, children[0])

    def _plain(self, children: list[Any]) -> Any:
        return [child for child in children if child is not None]

    symbols = inputs = body = values = types = attributes = notes = _plain

    def _pair(self, children: list[Any]) -> Any:
        return (children[0], children[1])

    input = attribute = note = _pair

    def _only(self, children: list[Any]) -> Any:
        return children[0]

    type = positive = _only

    def INT(self, token: Token) -> int | Fault:  # noqa: N802
        return integer(token)

    def FLOAT(self, token: Token) -> float:  # noqa: N802
        value = float(token)
        return value if value == value else math.nan

    def STRING(self, token: Token) -> str | Fault:  # noqa: N802
        return unquote(token, token)


def _return(_: _Rules, children: list[Any]) -> RawReturn:
    return RawReturn(children[0], children[1])


setattr(_Rules, "return", _return)


def integer(token: Token) -> int | Fault:
    """Return the value of a token of digits."""
    if len(token) > 19 or (value := int(token)) > MAX_INTEGER:
        return Fault("a number does not fit into 64 bits", "", *place(token))
    return value


def combine(operator: str, left: Any, right: Any) -> Dim | Fault:
    """Return the sum, difference, product or floored quotient of two sizes; a token is a symbol, a fault stays one."""
    for side in (left, right):
        if isinstance(side, Fault):
            return side
    token = next((side for side in (left, right) if isinstance(side, Token)), None)
    line, column = place(token) if token is not None else (0, 0)
    try:
        value = _apply(operator, _dim(left), _dim(right))
    except ZeroDivisionError:
        return Fault("a size is divided by zero", "expected a divisor that is not 0", line, column)
    if isinstance(value, int):
        fits = abs(value) <= MAX_INTEGER
        return value if fits else Fault("a number does not fit into 64 bits", "", line, column)
    atoms, nesting = _extent(value)
    if len(value.terms) > MAX_TERMS or atoms > MAX_ATOMS or nesting > MAX_NESTING:
        hint = f"expected at most {MAX_TERMS} terms and {MAX_NESTING} divisions in each other"
        return Fault("an integer expression is too large", hint, line, column)
    return value


def _apply(operator: str, left: Dim, right: Dim) -> Dim:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left // right


def _dim(value: int | Token | Expr) -> Dim:
    return symbol(str(value)) if isinstance(value, str) else value


def _extent(dim: Dim) -> tuple[int, int]:
    """Return the number of symbols and divisions in an expression, and how deep the divisions nest."""
    atoms, nesting = 0, 0
    for monomial, _ in () if isinstance(dim, int) else dim.terms:
        for atom in monomial:
            atoms += 1
            if isinstance(atom, FloorDiv):
                inner = [_extent(atom.numerator), _extent(atom.denominator)]
                atoms += sum(count for count, _ in inner)
                nesting = max(nesting, 1 + max(depth for _, depth in inner))
    return atoms, nesting


@cache
def words() -> dict[str, str]:
    """Return the fixed word or sign behind each terminal that has one."""
    return {t.name: str(t.pattern.value) for t in _lark().terminals if t.pattern.type == "str"}


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("nasc.lark").read_text(encoding="utf-8")
    rules = cast("Any", _Rules())
    return Lark(grammar, parser="lalr", start=["start", "sum"], maybe_placeholders=True, transformer=rules)


@cache
def _driver(start: str) -> Driver:
    return Driver(_lark(), start, r"[ \t\r]*+")


def read(text: str, start: str = "start") -> Any:
    """Return a :class:`RawFile`, or for ``sum`` an integer expression. Raises lark's UnexpectedInput."""
    try:
        return _driver(start).read(text)
    except SurpriseError:
        return _lark().parse(text, start=start)
