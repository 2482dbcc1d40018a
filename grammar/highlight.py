"""Colours for the text form on a terminal."""

from __future__ import annotations

import re

_TOKENS = re.compile(
    r"""
    (?P<comment>(?<!\S)//[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<note>@\{[^}\n]*\})
  | (?P<value>%[\w.]+|%"(?:[^"\\\n]|\\.)*")
  | (?P<graph>@[\w.]+)
  | (?P<path>\#[\w.\-]+)
  | (?P<type>\b[a-z]+\d*\[[^\]\n]*\])
  | (?P<keyword>\b(?:nasc|graph|return|call|true|false|none)\b)
  | (?P<op>(?<==\ )[a-z]\w*)
  | (?P<number>(?<![\w.])\d[\w.]*)
    """,
    re.VERBOSE,
)
_ANSI = {
    "comment": "90",
    "string": "32",
    "note": "33",
    "value": "",
    "graph": "1;35",
    "path": "90",
    "type": "36",
    "keyword": "35",
    "op": "1;34",
    "number": "",
}


def highlight(text: str) -> list[tuple[str, str]]:
    """Return the text in pieces, each with its style: comment, string, note, value, graph, path, type, op ...

    The pieces joined give the text; what has no style has the empty one.
    """
    spans: list[tuple[str, str]] = []
    position = 0
    for match in _TOKENS.finditer(text):
        if match.start() > position:
            spans.append((text[position : match.start()], ""))
        spans.append((match[0], match.lastgroup or ""))
        position = match.end()
    if position < len(text):
        spans.append((text[position:], ""))
    return spans


def coloured(text: str) -> str:
    """Return the text with ANSI colours."""
    parts = ((piece, _ANSI.get(style, "")) for piece, style in highlight(text))
    return "".join(f"\x1b[{code}m{piece}\x1b[0m" if code else piece for piece, code in parts)
