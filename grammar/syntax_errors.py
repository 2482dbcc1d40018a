"""Syntax errors in words: what was found, what could have stood there, and whether the text was cut off."""

from __future__ import annotations

import re
from collections.abc import Collection
from copy import copy
from typing import Any

from lark import Token, UnexpectedInput, UnexpectedToken

from ..ir import Diagnostic, Loc
from .syntax import RawFile, read, words

__all__ = ["UnexpectedInput", "readable"]

MAX_CHARACTERS = 2**28
MAX_ERRORS = 20
MAX_SHOWN = 40
_EMPTY = "the input is empty; did the command before the pipe fail?"
_NAMES = {
    "_NL": "the end of the line",
    "$END": "the end of the text",
    "VALUE": "a value (%name)",
    "GRAPH_NAME": "a graph's name (@name)",
    "PATH": "a layer's path (#name)",
    "TYPE": "a type (f32[N,3,224,224])",
    "PLACE": 'a source line ("file.py":10:3)',
    "CLASS": "a class name",
    "NAME": "a name",
    "KEY": "an attribute (name=)",
    "_COMMA": "','",
    "STRING": "a quoted string",
    "FLOAT": "a number",
    "INT": "a number",
    "VERSION": "the version (1)",
    "RETURN": "'return'",
}
_OPERATORS = {"+", "-", "*", "//"}
_STATEMENT = re.compile(r"\s*(?:[%#]|return\b)")


def readable(text: str, filename: str) -> tuple[RawFile | None, list[Diagnostic]]:
    """Return what could be read of a text and its syntax errors; faulty lines are left out."""
    if not text.strip().strip("\ufeff\0"):
        return None, [Diagnostic(_EMPTY, "expected a text that starts with `nasc 1`", "empty", Loc(filename))]
    if len(text) > MAX_CHARACTERS:
        hint = f"expected at most {MAX_CHARACTERS:,}"
        return None, [Diagnostic(f"the text has {len(text):,} characters", hint, "size", Loc(filename))]
    lines = text.removeprefix("\ufeff").split("\n")
    found: list[Diagnostic] = []
    while True:
        try:
            return read("\n".join(lines) + "\n"), found
        except UnexpectedInput as error:
            line = _line(error, lines)
            found.append(_explain(error, lines, line, filename))
            done = len(found) >= MAX_ERRORS or found[-1].code == "truncated"
            if done or not _STATEMENT.match(lines[line - 1]):
                return None, found
            lines[line - 1] = ""


def _line(error: UnexpectedInput, lines: list[str]) -> int:
    """Return the line of an error; the last one with text where the text ends too early."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    line = len(lines) if at_end else min(max(error.line, 1), len(lines))
    while at_end and line > 1 and not lines[line - 1].strip():
        line -= 1
    return line


def _explain(error: UnexpectedInput, lines: list[str], line: int, filename: str) -> Diagnostic:
    row = lines[line - 1]
    accepted = _accepted(error)
    expected = f"expected {_any_of(accepted)}"
    column = max(error.column, 1)
    rest = row[column - 1 :]
    unclosed = rest.startswith('"') and '"' not in rest[1:]
    ends = isinstance(error, UnexpectedToken) and error.token.type in ("_NL", "$END")
    if (ends or unclosed) and not any(other.strip() for other in lines[line:]):
        where = Loc(filename, line, len(row.rstrip()) + 1)
        hint = "expected the end of the string" if unclosed else expected
        return Diagnostic("the text ends too early; was it cut off?", hint, "truncated", where)
    if ends:
        where = Loc(filename, line, len(row.rstrip()) + 1)
        return Diagnostic("the line ends too early", expected, "syntax", where)
    where = Loc(filename, line, column)
    hint = _special(rest, accepted) or expected
    return Diagnostic(f"unexpected {_shown(rest)}", hint, "syntax", where)


def _accepted(error: UnexpectedInput) -> set[str]:
    """Return the terminals that could have stood there: each is tried on a copy of the parser's state."""
    state: Any = getattr(error, "state", None)
    if state is None:
        return set()
    silent = copy(state.parse_conf)
    silent.callbacks = {}
    accepted: set[str] = set()
    for name in silent.parse_table.states[state.position]:
        if name.isupper():
            trial = state.copy(deepcopy_values=False)
            trial.parse_conf = silent
            try:
                trial.feed_token(Token(name, ""), name == "$END")
            except UnexpectedInput:
                continue
            accepted.add(name)
    return accepted


def _any_of(terminals: Collection[str]) -> str:
    """Return what could have stood there, in words: ``',' or '}'``."""
    if "NASC" in terminals:
        return "a text that starts with `nasc 1`"
    signs = words()
    fixed = {signs[name] for name in terminals if name in signs}
    if fixed >= _OPERATORS:
        fixed -= _OPERATORS
    elif "INT" in terminals:
        fixed -= {"+", "-", "("}
    named = list(dict.fromkeys(_NAMES[name] for name in _NAMES if name in terminals and name not in signs))
    options = sorted(f"'{sign}'" for sign in fixed) + named
    if not options:
        return "something else"
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _shown(found: str) -> str:
    word = re.match(r"[%@#]?\w+|\S", found)
    return repr((word[0] if word else found)[:MAX_SHOWN])


def _special(rest: str, accepted: set[str]) -> str:
    """Return advice for mistakes that the accepted signs do not explain; empty where there is none."""
    if rest.startswith('"'):
        return "close the string with a '\"' on the same line"
    if re.match(r"%\d", rest):
        return "a value's name starts with a letter or _"
    if "TYPE" in accepted and re.match(r"\w+\[", rest):
        return "close the type with a ']'"
    word = re.match(r"\(?\s*%?([^\W\d][\w.]*)", rest)
    if word is not None and "VALUE" in accepted and not accepted & {"RETURN", "PLACE"}:
        return f"expected a value: %{word[1]}"
    return ""
