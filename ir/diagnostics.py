"""Diagnostics: what is wrong, where, and what would be right; and the errors that carry them.

NascError
└── (rooms derive their own: LLMError, ...)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Loc:
    """A place in a source file; lines and columns count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return ``file:line:column`` as far as it is known."""
        place = self.file
        if self.line:
            place += f":{self.line}"
        if self.line and self.column:
            place += f":{self.column}"
        return place


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``message`` says what is wrong, ``hint`` what would be right, ``where`` is the place in the text that was
    read, ``graph`` and ``node`` the value it concerns, ``path`` and ``source`` the layer of the original
    model and its line. ``code`` is a stable short name for tools.
    """

    message: str
    hint: str = ""
    code: str = "error"
    where: Loc | None = None
    graph: str = ""
    node: str = ""
    path: str = ""
    source: Loc | None = None
    severity: str = "error"

    def render(self, text: str | None = None) -> str:
        """Return the finding as people read it; with the text it came from, a caret under the place."""
        lines = [f"{self.where}: {self.severity}: {self.message}" if self.where else f"{self.severity}: {self.message}"]
        if text is not None and self.where is not None and self.where.line:
            lines += _caret(text, self.where)
        subject = self._subject()
        if subject:
            lines.append(f"  in {subject}")
        if self.hint:
            lines.append(f"  help: {self.hint}")
        return "\n".join(lines)

    def _subject(self) -> str:
        parts = [f"@{self.graph}"] if self.graph else []
        if self.node:
            parts.append(f"%{self.node}")
        if self.path:
            parts.append(f"layer {self.path}")
        if self.source:
            parts.append(f"at {self.source}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, object]:
        """Return the finding as plain data for ``--format json``."""
        place: dict[str, object] = {}
        for key, loc in (("where", self.where), ("source", self.source)):
            if loc is not None:
                place[key] = {"file": loc.file, "line": loc.line, "column": loc.column}
        plain = {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "graph": self.graph,
            "node": self.node,
            "path": self.path,
        }
        return {**{key: value for key, value in plain.items() if value}, **place}


class NascError(Exception):
    """The input is wrong; carries every finding, never only the first."""

    def __init__(self, *diagnostics: Diagnostic, text: str | None = None) -> None:
        """Keep the findings and, where there is one, the text that they point into."""
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics
        self.text = text
        super().__init__(self.render())

    @classmethod
    def of(cls, message: str, hint: str = "", code: str = "error", where: Loc | None = None) -> NascError:
        """Return an error with one finding."""
        return cls(Diagnostic(message, hint, code, where))

    def render(self) -> str:
        """Return all findings as people read them."""
        return "\n".join(diagnostic.render(self.text) for diagnostic in self.diagnostics)

    def __str__(self) -> str:
        """Return all findings as people read them."""
        return self.render()


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number of things: ``1 node``, ``1,200 nodes``; ``plural`` is given where it is irregular."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return a hint that names the nearest candidate, or lists all where none is near."""
    from difflib import get_close_matches

    names = sorted(set(candidates))
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12])
    return f"expected one of: {shown}{', ...' if len(names) > 12 else ''}"


def _caret(text: str, where: Loc) -> list[str]:
    rows = text.split("\n")
    if not 0 < where.line <= len(rows):
        return []
    row = rows[where.line - 1]
    start = 0
    if len(row) > 110:
        start = max(0, where.column - 60)
    shown = "".join(c if c.isprintable() else " " for c in row[start : start + 110])
    lines = [f"  | {shown}"]
    if where.column:
        lines.append(f"  | {' ' * (where.column - 1 - start)}^")
    return lines
