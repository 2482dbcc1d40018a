"""Relevance as comments in the source of the model, beside the lines that make each layer (thesis, figure 2.1)."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Sequence
from pathlib import PurePath

from ..ir import Module, NascError
from .relevance import RelevanceRow, relevance_table

MARK = "# relevance:"
MOST_NAMES = 3


def annotate_source(text: str, module: Module, filename: str) -> str:
    """Return the text of ``filename`` with the relevance of each line's layers as a comment behind it.

    Comments of an earlier run are replaced, everything else stays. Layers of one line are joined; of more
    than three, the mean and the range are given. A line inside of a string, or one that goes on, passes its
    comment to the next line that can hold one. Raises NascError where the text is no Python.
    """
    plain = _without_marks(text)
    closed = _lines_inside(plain)
    rows: dict[int, list[RelevanceRow]] = {}
    for row in relevance_table(module):
        is_call = row.op.startswith("@")
        if row.loc is not None and row.loc.line and not is_call and same_file(row.loc.file, filename):
            rows.setdefault(row.loc.line, []).append(row)
    lines = plain.split("\n")
    comments: dict[int, list[str]] = {}
    for line, found in sorted(rows.items()):
        while line in closed:
            line += 1
        if line <= len(lines):
            comments.setdefault(line, []).append(_words(found))
    for line, words in comments.items():
        code, end = (lines[line - 1][:-1], "\r") if lines[line - 1].endswith("\r") else (lines[line - 1], "")
        lines[line - 1] = f"{code.rstrip()}  {MARK} {'; '.join(words)}{end}"
    return "\n".join(lines)


def same_file(a: str, b: str) -> bool:
    """Return whether two spellings of a file name end alike, as far as the shorter one goes."""
    left, right = PurePath(a).parts, PurePath(b).parts
    length = min(len(left), len(right))
    return length > 0 and left[-length:] == right[-length:]


def _words(rows: Sequence[RelevanceRow]) -> str:
    if len(rows) == 1:
        return f"{rows[0].relevance:+.4f}"
    if len(rows) <= MOST_NAMES:
        return ", ".join(f"{row.layer} {row.relevance:+.4f}" for row in rows)
    values = [row.relevance for row in rows]
    mean = sum(values) / len(values)
    return f"{mean:+.4f} (mean of {len(values)} layers, {min(values):+.4f} to {max(values):+.4f})"


def _without_marks(text: str) -> str:
    """Return the text without comments of an earlier run."""
    lines = text.split("\n")
    for token in _tokens(text):
        start = token.string.find(MARK) if token.type == tokenize.COMMENT else -1
        if start >= 0:
            row, column = token.start
            end = "\r" if lines[row - 1].endswith("\r") else ""
            lines[row - 1] = lines[row - 1][: column + start].rstrip() + end
    return "\n".join(lines)


def _lines_inside(text: str) -> frozenset[int]:
    """Return the lines that a comment cannot end: inside of strings, or continued by a backslash."""
    inside: set[int] = set()
    for token in _tokens(text):
        if token.type != tokenize.COMMENT and token.start[0] < token.end[0]:
            inside.update(range(token.start[0], token.end[0]))
    for number, line in enumerate(text.split("\n"), 1):
        if line.rstrip("\r").endswith("\\"):
            inside.add(number)
    return frozenset(inside)


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        found = list(tokenize.generate_tokens(io.StringIO(text, newline="").readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise NascError.of(f"the source is no Python: {error}", "expected the file that defines the model") from None
    return [token for token in found if token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER)]
