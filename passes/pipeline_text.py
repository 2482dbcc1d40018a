"""Pipelines as text: ``canonicalize,outline{min_nodes=3},relevance{top=5}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..ir import Diagnostic, Loc, NascError, did_you_mean
from .pipeline import Pass, Pipeline

PassClass = Any
_TOKEN = re.compile(r'\s*([A-Za-z_][\w-]*|"(?:[^"\\]|\\.)*"|[-+]?[\d.][\w.+-]*|[{},=]|\S)')
_PLAIN = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int


def parse_pipeline(text: str, table: Mapping[str, PassClass] | None = None, **provided: object) -> Pipeline:
    """Return the pipeline that a text names.

    ``provided`` holds options that text cannot give, by name: ``score`` for relevance. Raises NascError with
    the place in the text and what would be right.
    """
    if table is None:
        from .table import PASSES

        table = PASSES
    reader = _Reader(text, table, provided)
    return Pipeline(tuple(reader.passes()))


def parse_choice(text: str, table: Mapping[str, PassClass], noun: str) -> Any:
    """Return the one frozen dataclass of a table that a text names, ``evolution{population=20}``.

    ``noun`` is what errors call it. Raises NascError with the place in the text and what would be right.
    """
    reader = _Reader(text, table, {}, noun)
    made = reader.one_pass()
    if reader.peek() is not None:
        token = reader.take("the end")
        raise reader.error(f"unexpected {token.text!r}", f"expected the end of the {noun}", token)
    return made


class _Reader:
    """Reads passes off the tokens of a pipeline."""

    def __init__(
        self, text: str, table: Mapping[str, PassClass], provided: Mapping[str, object], noun: str = "pass"
    ) -> None:
        self.text = text
        self.table = table
        self.provided = provided
        self.noun = noun
        self.whole = "pipeline" if noun == "pass" else noun
        self.tokens = [_Token(m[1], m.start(1) + 1) for m in _TOKEN.finditer(text)]
        self.position = 0

    def passes(self) -> list[Pass]:
        """Return all passes."""
        found = [self.one_pass()]
        while self.peek() is not None:
            self.expect(",", "a comma between passes")
            found.append(self.one_pass())
        return found

    def one_pass(self) -> Pass:
        """Return the next pass with its options."""
        token = self.take(f"the name of a {self.noun}: " + ", ".join(sorted(self.table)))
        name = token.text.replace("_", "-")
        cls = self.table.get(name)
        if cls is None:
            raise self.error(f"there is no {self.noun} {token.text!r}", did_you_mean(name, self.table), token)
        options = self.options(cls) if self.peek() == "{" else {}
        return self.build(cls, options, token)

    def options(self, cls: PassClass) -> dict[str, object]:
        """Return the options in braces."""
        self.expect("{", "{")
        known = {field.name: hint for field, hint in _options_of(cls)}
        options: dict[str, object] = {}
        while self.peek() != "}":
            name = self.take("an option or }")
            key = name.text.replace("-", "_")
            if key not in known:
                hint = did_you_mean(key, known) or f"{cls.name} has no options"
                raise self.error(f"{cls.name} has no option {name.text!r}", hint, name)
            self.expect("=", f"= and the value of {key}")
            options[key] = self.value(key, known[key])
            if self.peek() != "}":
                self.expect(",", ", or }")
        self.expect("}", "}")
        return options

    def value(self, key: str, hint: object) -> object:
        """Return the value of an option, converted to what its field holds."""
        kinds = _kinds(hint)
        token = self.take(f"the value of {key}")
        for kind in _PLAIN:
            if kind in kinds:
                found = _convert(token.text, kind)
                if found is not None:
                    return found
        if type(None) in kinds and token.text == "none":
            return None
        wanted = " or ".join(_WORDS[kind] for kind in (*_PLAIN, type(None)) if kind in kinds)
        raise self.error(f"option {key} cannot be {token.text!r}", f"expected {wanted}", token)

    def build(self, cls: PassClass, options: dict[str, object], token: _Token) -> Pass:
        """Return the pass; what only a caller can provide is filled in."""
        for field in fields(cls):
            if not field.init or field.name in options or not _is_required(field):
                continue
            if field.name not in self.provided:
                raise self.error(
                    f"{self.noun} {cls.name} needs {field.name}, which is not available here",
                    "use the command that provides it",
                    token,
                )
            options[field.name] = self.provided[field.name]
        try:
            made: Pass = cls(**options)
        except NascError as error:
            message = "; ".join(d.message for d in error.diagnostics)
            raise self.error(message, error.diagnostics[0].hint, token) from None
        return made

    def peek(self) -> str | None:
        """Return the next token's text, None at the end."""
        return self.tokens[self.position].text if self.position < len(self.tokens) else None

    def take(self, wanted: str) -> _Token:
        """Return the next token and move on."""
        if self.position == len(self.tokens):
            end = _Token("", len(self.text) + 1)
            raise self.error(f"the {self.whole} ends too early", f"expected {wanted}", end)
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, text: str, wanted: str) -> None:
        """Move over one given token."""
        token = self.take(wanted)
        if token.text != text:
            raise self.error(f"unexpected {token.text!r}", f"expected {wanted}", token)

    def error(self, message: str, hint: str, token: _Token) -> NascError:
        """Return the error at a token."""
        place = Loc(f"<{self.whole}>", 1, token.column)
        return NascError(Diagnostic(message, hint, self.whole, place), text=self.text)


_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a word",
    type(None): "none",
}


def _options_of(cls: PassClass) -> list[tuple[Field[Any], object]]:
    hints = get_type_hints(cls)
    return [(f, hints[f.name]) for f in fields(cls) if f.init and _kinds(hints[f.name]) & set(_PLAIN)]


def _kinds(hint: object) -> frozenset[object]:
    if get_origin(hint) in (Union, UnionType):
        return frozenset(get_args(hint))
    return frozenset({hint})


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _convert(text: str, kind: type) -> bool | int | float | str | None:
    if kind is bool:
        return {"true": True, "false": False}.get(text)
    if kind is str:
        return text[1:-1] if text.startswith('"') else None if text == "none" else text
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        return None
