"""Places in the text for findings about a module: the verifier knows names, this finds their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..ir import Diagnostic, Loc, NascError

_GRAPH = re.compile(r'\s*graph\s+@([^\W\d][\w.]*|"(?:[^"\\]|\\.)*")')
_RESULTS = re.compile(r"\s*(%[^=]*?)\s*=(?!=)")
_VALUE = re.compile(r'%([^\W\d][\w.]*|"(?:[^"\\]|\\.)*")')
Places = dict[tuple[str, str], list[tuple[int, str]]]


def located(error: NascError, text: str, filename: str) -> NascError:
    """Return the error with every finding placed in the text that the module was parsed from."""
    places = _places(text)
    return NascError(*(_place(d, places, filename) for d in error.diagnostics), text=text)


def _places(text: str) -> Places:
    """Return the lines, number and text, of every graph (under the value "") and of every value."""
    places: Places = {}
    graph = ""
    for number, row in enumerate(text.split("\n"), 1):
        if match := _GRAPH.match(row):
            graph = match[1].strip('"')
            for value in ("", *_VALUE.findall(row)):
                places.setdefault((graph, value.strip('"')), []).append((number, row))
        elif row.startswith("}"):
            graph = ""
        elif graph and row.lstrip().startswith("return"):
            places.setdefault((graph, "return"), []).append((number, row))
        elif graph and (match := _RESULTS.match(row)):
            for value in _VALUE.findall(match[1]):
                places.setdefault((graph, value.strip('"')), []).append((number, row))
    return places


def _place(diagnostic: Diagnostic, places: Places, filename: str) -> Diagnostic:
    if diagnostic.where is not None:
        return diagnostic
    keys: Iterable[tuple[str, str]] = ((diagnostic.graph, diagnostic.node), (diagnostic.graph, ""))
    if not diagnostic.node and diagnostic.code in ("undefined-value", "cycle"):
        keys = ((diagnostic.graph, "return"), *keys)
    rows = next((places[key] for key in keys if key in places), [])
    number, column = _best(diagnostic, rows)
    return replace(diagnostic, where=Loc(filename, number, column))


def _best(diagnostic: Diagnostic, rows: list[tuple[int, str]]) -> tuple[int, int]:
    """Return line and column of the value that the message is about, else of the last row's first character."""
    named = _VALUE.search(diagnostic.message)
    if named is not None and diagnostic.code in ("undefined-value", "cycle"):
        for number, row in rows:
            uses = list(re.finditer(rf"{re.escape(named[0])}(?![\w.])", row))
            if uses:
                return number, uses[-1].start() + 1
    number, row = rows[-1] if rows else (0, " ")
    return number, (len(row) - len(row.lstrip()) + 1) if number else 0
