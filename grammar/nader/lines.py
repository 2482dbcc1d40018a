"""The lines of a NADER text: each is read by itself, so that one that cannot be read hides no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ...ir import Diagnostic, Dim, Loc
from ..syntax import Fault, combine, integer

MAX_ERRORS = 20
MAX_LINES = 100_000
MAX_LINE = 10_000
_SHOWN = 40
_NAMES = {"HEADER": "##name##", "WORD": "a name", "NUMBER": "a number", "$END": "the end of the line"}
_FORMS = "expected `##name##`, `index:Operation(attribute=value)` or `a,b->c`"


class Size(NamedTuple):
    """An integer expression, the column where it starts and the variables in it with theirs."""

    value: Dim | Fault
    column: int
    names: tuple[tuple[str, int], ...] = ()


class Several(NamedTuple):
    """Sizes in parentheses or brackets."""

    items: tuple[Size, ...]
    column: int


class Argument(NamedTuple):
    """An argument of an operation; one given by its position has no name."""

    name: str
    value: Size | Several
    column: int


class NodeLine(NamedTuple):
    """``index:Operation(arguments)``."""

    key: str
    operation: str
    arguments: tuple[Argument, ...]
    line: int
    column: int
    operation_column: int


class EdgeLine(NamedTuple):
    """``a,b->c``; indexes with their columns."""

    sources: tuple[tuple[str, int], ...]
    target: tuple[str, int]
    line: int


class SettingLine(NamedTuple):
    """``widths=(16,32,64)``, in the section of the skeleton."""

    name: str
    value: Size | Several
    line: int
    column: int


class Section(NamedTuple):
    """What stands under one ``##name##``."""

    name: str
    line: int
    nodes: list[NodeLine]
    edges: list[EdgeLine]
    settings: list[SettingLine]


def sections(text: str, filename: str) -> tuple[list[Section], list[Diagnostic]]:
    """Return the sections of a text and what is wrong with its lines, which are left out."""
    found: list[Diagnostic] = []
    result: list[Section] = []
    for number, row in _rows(text, filename, found):
        try:
            line: Any = _lark().parse(row)
        except UnexpectedInput as error:
            found.append(_explained(error, row, Loc(filename, number)))
            if len(found) >= MAX_ERRORS:
                break
            continue
        if isinstance(line, str):
            result.append(Section(line, number, [], [], []))
        elif not result:
            hint = "start with the name of the block, ##name##"
            found.append(Diagnostic("a line stands before the first block", hint, "syntax", Loc(filename, number, 1)))
        else:
            _keep(result[-1], line, number)
    return result, found


def _rows(text: str, filename: str, found: list[Diagnostic]) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers and without their comments."""
    rows = text.removeprefix("\ufeff").split("\n")
    if len(rows) > MAX_LINES:
        hint = f"expected at most {MAX_LINES:,}"
        found.append(Diagnostic(f"the text has {len(rows):,} lines", hint, "size", Loc(filename)))
        return
    for number, row in enumerate(rows, 1):
        plain = _uncommented(row)
        if len(plain) > MAX_LINE:
            hint = f"expected at most {MAX_LINE:,}"
            where = Loc(filename, number, 1)
            found.append(Diagnostic(f"the line has {len(plain):,} characters", hint, "size", where))
        elif plain.strip():
            yield number, plain


def _uncommented(row: str) -> str:
    title = re.match(r"\s*##[^#]+##", row)
    start = row.find("#", title.end() if title else 0)
    return row if start < 0 else row[:start]


def _keep(section: Section, line: NodeLine | EdgeLine | SettingLine, number: int) -> None:
    if isinstance(line, NodeLine):
        section.nodes.append(line._replace(line=number))
    elif isinstance(line, EdgeLine):
        section.edges.append(line._replace(line=number))
    else:
        section.settings.append(line._replace(line=number))


class _Rules:
    """What each rule of nader.lark makes of its children; line numbers are filled in later."""

    def start(self, children: list[Any]) -> Any:
        return children[0]

    def header(self, children: list[Token]) -> str:
        return children[0].strip("#").strip()

    def node(self, children: list[Any]) -> NodeLine:
        index, operation, arguments = children
        return NodeLine(str(index), str(operation), tuple(arguments or ()), 0, _column(index), _column(operation))

    def edges(self, children: list[Token]) -> EdgeLine:
        *sources, target = ((str(token), _column(token)) for token in children)
        return EdgeLine(tuple(sources), target, 0)

    def setting(self, children: list[Any]) -> SettingLine:
        return SettingLine(str(children[0]), children[1], 0, _column(children[0]))

    def arguments(self, children: list[Argument]) -> list[Argument]:
        return children

    def keyword(self, children: list[Any]) -> Argument:
        return Argument(str(children[0]), children[1], _column(children[0]))

    def positional(self, children: list[Any]) -> Argument:
        return Argument("", children[0], children[0].column)

    def several(self, children: list[Any]) -> Several:
        items = tuple(child for child in children if child is not None)
        return Several(items, items[0].column if items else 0)

    def number(self, children: list[Token]) -> Size:
        return Size(integer(children[0]), _column(children[0]))

    def variable(self, children: list[Token]) -> Size:
        token = children[0]
        return Size(combine("*", token, 1), _column(token), ((str(token), _column(token)),))

    def plus(self, children: list[Size]) -> Size:
        return _both("+", *children)

    def minus(self, children: list[Size]) -> Size:
        return _both("-", *children)

    def times(self, children: list[Size]) -> Size:
        return _both("*", *children)

    def over(self, children: list[Size]) -> Size:
        return _both("//", *children)

    def negative(self, children: list[Size]) -> Size:
        (only,) = children
        return only._replace(value=combine("*", -1, only.value))

    def positive(self, children: list[Size]) -> Size:
        return children[0]


def _both(operator: str, left: Size, right: Size) -> Size:
    return Size(combine(operator, left.value, right.value), left.column, left.names + right.names)


def _column(token: Token) -> int:
    return token.column or 0


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("nader.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True, transformer=cast("Any", _Rules()))


def _explained(error: UnexpectedInput, row: str, where: Loc) -> Diagnostic:
    ends = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    column = len(row.rstrip()) + 1 if ends else max(error.column, 1)
    place = Loc(where.file, where.line, column)
    accepted = _accepted(error)
    hint = _FORMS if not accepted or "HEADER" in accepted else f"expected {_any_of(accepted)}"
    if ends:
        return Diagnostic("the line ends too early", hint, "syntax", place)
    word = re.match(r"\w+|->|\S", row[column - 1 :])
    shown = (word[0] if word else row[column - 1 :])[:_SHOWN]
    return Diagnostic(f"unexpected {shown!r}", hint, "syntax", place)


def _accepted(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts)
    return set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()


def _any_of(terminals: set[str]) -> str:
    signs = {t.name: f"'{t.pattern.value}'" for t in _lark().terminals if t.pattern.type == "str"}
    options = sorted(signs[name] for name in terminals if name in signs)
    options += [_NAMES[name] for name in sorted(terminals) if name in _NAMES] or [_NAMES["$END"]] * (not options)
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"
