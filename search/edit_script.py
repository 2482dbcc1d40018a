"""Reading an edit script: text to edits, with a caret under what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..ir import Diagnostic, Graph, Loc, NascError, did_you_mean
from .edits import Delete, Edit, Insert, NewBlock, OpSpec, Repeat, Replace, SetAttributes, Skip, Values

FORMS = {
    "set": "set %node attribute=value",
    "replace": "replace %node with op {attribute=value}",
    "after": "after %node insert op {attribute=value}",
    "insert": "insert op {attribute=value} after %node",
    "delete": "delete %node",
    "skip": "skip %value -> %node",
    "repeat": "repeat %node",
}
_WHY = re.compile(r"\s*why:\s*(.*)", re.IGNORECASE)
_IGNORED = re.compile(r"\s*(```.*|//.*|#.*|end\.?)?\s*$")
_HEADER = re.compile(r"\s*in\s+@([\w.]+)\s*:?\s*$")
_BULLET = re.compile(r"\s*(?:[-*]\s+|\d+[.)]\s+)?")
_MAX_LINES = 400


@dataclass(frozen=True)
class Script:
    """What an answer says: the reason in the LLM's own words, empty where it gave none, and the edits."""

    why: str
    edits: tuple[Edit, ...]


def parse_edits(text: str, graph: str = "") -> tuple[Edit, ...]:
    """Return the edits of a script; see ``parse_script``."""
    return parse_script(text, graph).edits


def parse_script(text: str, graph: str = "") -> Script:
    """Return the reason and the edits of a script.

    ``graph`` names the graph that lines before the first ``in @graph:`` are about; empty is the entry. Blank
    lines, comments, bullets, code fences and lines said twice are skipped. Raises NascError with every line
    that cannot be read.
    """
    rows = [row.rstrip("\r") for row in text.split("\n")]
    if len(rows) > _MAX_LINES:
        raise NascError.of(f"the script has {len(rows)} lines", f"expected at most {_MAX_LINES}", "edit-syntax")
    reader = _Reader(text, rows, graph)
    reader.read()
    if reader.problems:
        raise NascError(*reader.problems, text=text)
    if not reader.edits:
        raise NascError.of("the script holds no edit", f"expected a line such as `{FORMS['set']}`", "edit-empty")
    return Script(" ".join(reader.why), tuple(_without_echoes(reader.edits)))


def _without_echoes(edits: list[Edit]) -> list[Edit]:
    """Return edits without those said before; a second insert or repeat is another."""
    kept: list[Edit] = []
    for edit in edits:
        if isinstance(edit, (Insert, Repeat)) or edit not in kept:
            kept.append(edit)
    return kept


class _Reader:
    """Goes through the rows of one script."""

    def __init__(self, text: str, rows: list[str], graph: str) -> None:
        self.text = text
        self.rows = rows
        self.graph = graph
        self.why: list[str] = []
        self.edits: list[Edit] = []
        self.problems: list[Diagnostic] = []

    def read(self) -> None:
        number = 0
        while number < len(self.rows):
            row = self.rows[number]
            number += 1
            if why := _WHY.match(row):
                self.why += [why[1].strip()] if why[1].strip() else []
            elif header := _HEADER.match(row):
                self.graph = header[1]
            elif row.lstrip().startswith("graph @"):
                number = self.block(number - 1)
            elif not _IGNORED.match(row):
                self.line(row, number)

    def block(self, first: int) -> int:
        """Read the block that starts at a row; return the row after it."""
        end = next((i for i in range(first, len(self.rows)) if self.rows[i].strip() == "}"), len(self.rows) - 1)
        try:
            self.edits.append(NewBlock(parse_block("\n".join(self.rows[first : end + 1]))))
        except NascError as error:
            self.problems += [_moved(diagnostic, first) for diagnostic in error.diagnostics]
        return end + 1

    def line(self, row: str, number: int) -> None:
        cursor = Cursor(row, number)
        try:
            self.edits.append(_read_edit(cursor, self.graph))
        except NascError as error:
            self.problems += error.diagnostics


def parse_block(text: str) -> Graph:
    """Return the one graph that a text defines. Raises NascError."""
    from ..grammar import parse

    graphs = parse(f"nasc 1\n\n{text}\n", "<edits>").graphs
    if len(graphs) != 1:
        raise NascError.of(f"{len(graphs)} graphs stand where one was expected", "write one graph", "edit-syntax")
    return graphs[0]


def _moved(diagnostic: Diagnostic, rows: int) -> Diagnostic:
    """Return a finding about a block (which follows two lines of its own) at its place in the script."""
    from dataclasses import replace

    where = diagnostic.where
    if where is None or not where.line:
        return diagnostic
    return replace(diagnostic, where=Loc(where.file, where.line - 2 + rows, where.column))


class Cursor:
    """A place in one line of a script."""

    def __init__(self, row: str, number: int) -> None:
        """Start behind the indentation and the bullet."""
        self.row = row
        self.number = number
        bullet = _BULLET.match(row)
        self.place = bullet.end() if bullet else 0

    def error(self, message: str, hint: str) -> NascError:
        """Return the error about what stands here."""
        where = Loc("<edits>", self.number, self.place + 1)
        return NascError(Diagnostic(message, hint, "edit-syntax", where), text="\n" * (self.number - 1) + self.row)

    def take(self, pattern: str) -> str | None:
        """Return what matches here, without blanks around it, and go behind it; None where nothing does."""
        found = re.compile(rf"\s*({pattern})\s*").match(self.row, self.place)
        if not found:
            return None
        self.place = found.end()
        return found[1]

    def need(self, pattern: str, what: str, form: str) -> str:
        """Return what matches here. Raises NascError saying what was expected."""
        found = self.take(pattern)
        if found is None:
            rest = self.row[self.place :].strip()
            shown = f"{rest[:30]!r}" if rest else "the end of the line"
            raise self.error(f"{shown} stands where {what} was expected", f"expected `{form}`")
        return found

    @property
    def done(self) -> bool:
        """Whether nothing but blanks and a comment follows."""
        return not self.row[self.place :].strip()


def _read_edit(cursor: Cursor, graph: str) -> Edit:
    start = cursor.place
    verb = cursor.take(r"[A-Za-z_]+(?=\s|$)") or ""
    if verb.lower() not in _READERS:
        cursor.place = start
        hint = did_you_mean(verb, FORMS) if verb else f"expected one of: {', '.join(FORMS)}"
        raise cursor.error(f"{verb or cursor.row.strip()[:30]!r} is no edit", hint)
    form = FORMS[verb.lower()]
    edit = _READERS[verb.lower()](cursor, graph, form)
    cursor.take(r"[.;](?=\s*$)")
    if not cursor.done:
        raise cursor.error(f"{cursor.row[cursor.place :].strip()[:30]!r} follows a whole edit", f"expected `{form}`")
    return edit


def _node(cursor: Cursor, form: str) -> str:
    return cursor.need(r"%[\w.]*\w", "a node, such as %conv1,", form)[1:]


def _set(cursor: Cursor, graph: str, form: str) -> Edit:
    node = _node(cursor, form)
    cursor.take(",")
    braced = cursor.take(r"\{")
    values = _read_values(cursor, form)
    if braced:
        cursor.need(r"\}", "}", form)
    if not values:
        cursor.need(r"\w+\s*=", "attribute=value", form)
    return SetAttributes(graph, node, values)


def _replace(cursor: Cursor, graph: str, form: str) -> Edit:
    node = _node(cursor, form)
    cursor.need("with|by", "with", form)
    return Replace(graph, node, _read_op(cursor, form))


def _after(cursor: Cursor, graph: str, form: str) -> Edit:
    node = _node(cursor, form)
    cursor.take("[:,]")
    cursor.need("insert", "insert", form)
    return Insert(graph, node, _read_op(cursor, form))


def _insert(cursor: Cursor, graph: str, form: str) -> Edit:
    op = _read_op(cursor, form)
    cursor.need("after", "after", form)
    return Insert(graph, _node(cursor, form), op)


def _delete(cursor: Cursor, graph: str, form: str) -> Edit:
    return Delete(graph, _node(cursor, form))


def _skip(cursor: Cursor, graph: str, form: str) -> Edit:
    source = _node(cursor, form)
    cursor.need("->|to", "->", form)
    return Skip(graph, source, _node(cursor, form))


def _repeat(cursor: Cursor, graph: str, form: str) -> Edit:
    return Repeat(graph, _node(cursor, form))


_READERS: dict[str, Callable[[Cursor, str, str], Edit]] = {
    "set": _set,
    "replace": _replace,
    "after": _after,
    "insert": _insert,
    "delete": _delete,
    "skip": _skip,
    "repeat": _repeat,
}


def _read_op(cursor: Cursor, form: str) -> OpSpec:
    name = cursor.need(r"[a-z_]\w*", "an op, such as conv2d,", form)
    if not cursor.take(r"\{"):
        return OpSpec(name)
    values = _read_values(cursor, form)
    cursor.need(r"\}", "}", form)
    return OpSpec(name, values)


def _read_values(cursor: Cursor, form: str) -> Values:
    values: dict[str, object] = {}
    while (name := cursor.take(r"[A-Za-z_]\w*(?=\s*=)")) is not None:
        cursor.need("=", "=", form)
        values[name] = _read_value(cursor, form)
        cursor.take(",")
    return tuple(values.items())


def _read_value(cursor: Cursor, form: str) -> object:
    if cursor.take(r"\["):
        items: list[object] = []
        while cursor.take(r"\]") is None:
            items.append(_read_value(cursor, form))
            cursor.take(",")
        return tuple(items)
    quoted = cursor.take(r'"(?:[^"\\]|\\.)*"')
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1:-1])
    return _plain(cursor, cursor.need(r"[^\s,\]}\[{;\"]+", "a value", form))


def _plain(cursor: Cursor, word: str) -> object:
    constants: dict[str, object] = {"true": True, "false": False, "none": None}
    if word.lower() in constants:
        return constants[word.lower()]
    if re.fullmatch(r"[+-]?\d{1,18}", word):
        return int(word)
    if re.fullmatch(r"[+-]?(\d{1,18}\.?\d*|\.\d+)(e[+-]?\d\d?)?", word, re.IGNORECASE):
        return float(word)
    from ..grammar import parse_dim

    try:
        return parse_dim(word)
    except NascError:
        raise cursor.error(f"{word[:30]!r} is no value", "expected a number, true, false, a word or [a, b]") from None
