"""Changes of a NAS-Bench-201 cell as text: `set 0->1 nor_conv_3x3` lines, or the whole string of a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...frontends.cells.nb201 import OPERATIONS, parse_edges
from ...ir import Diagnostic, Loc, NascError, did_you_mean
from ..lark_text import literal, reason_rules
from .nb201_form import EDGES

Edge = tuple[int, int]
_NAMES = tuple(f"{i}->{j}" for i, j in EDGES)
_IGNORED = re.compile(r"\s*(```.*|//.*|#.*|(why|reason):.*)?\s*$", re.IGNORECASE)
_LINE = re.compile(r"\s*(?:[-*]\s+)?(?:set\s+)?(?:edge\s+)?(\w+)\s*->\s*(\w+)\s*(?:to|:|=)?\s*(\S+)\s*$", re.IGNORECASE)
_CELL = re.compile(r"\|[^\n\s]*\|")
_FORM = "set 0->1 nor_conv_3x3"


def name_of(edge: Edge) -> str:
    """Return ``0->1``."""
    return f"{edge[0]}->{edge[1]}"


def change_line(edge: Edge, operation: str) -> str:
    """Return the line that says to put an operation on an edge."""
    return f"set {name_of(edge)} {operation}"


def read_changes(text: str, at: Edge | None = None) -> dict[Edge, str]:
    """Return what an answer sets, edge by edge; reasons, fences, bullets and comments are skipped.

    Raises NascError with every line that cannot be read, or that is about another edge than ``at``.
    """
    changes: dict[Edge, str] = {}
    problems: list[Diagnostic] = []
    for number, row in enumerate(text.split("\n"), start=1):
        if _IGNORED.match(row):
            continue
        found = _LINE.match(row)
        where = Loc("<changes>", number, 1)
        if not found:
            shown = row.strip()[:40]
            problems.append(Diagnostic(f"{shown!r} is no change", f"expected `{_FORM}`", "nb201", where))
            continue
        name, operation = f"{found[1]}->{found[2]}", found[3].rstrip(".;,")
        problems += _wrong(name, operation, at, where)
        if name in _NAMES:
            changes[EDGES[_NAMES.index(name)]] = operation
    if problems:
        raise NascError(*problems, text=text)
    if not changes:
        raise NascError.of("the answer changes nothing", f"expected a line such as `{_FORM}`", "nb201")
    return changes


def _wrong(name: str, operation: str, at: Edge | None, where: Loc) -> list[Diagnostic]:
    problems: list[Diagnostic] = []
    if name not in _NAMES:
        problems.append(Diagnostic(f"there is no edge {name}", f"expected one of: {', '.join(_NAMES)}", "nb201", where))
    elif at is not None and name != name_of(at):
        problems.append(Diagnostic(f"edge {name} was not asked about", f"change edge {name_of(at)}", "nb201", where))
    if operation not in OPERATIONS:
        message = f"edge {name} cannot hold {operation!r}: it is no operation of nb201"
        near = did_you_mean(operation, OPERATIONS)
        hint = near if near.startswith("expected") else f"{near} expected one of {', '.join(OPERATIONS)}"
        problems.append(Diagnostic(message, hint, "nb201", where))
    return problems


def read_cell(text: str) -> Mapping[Edge, str]:
    """Return the cell whose string stands in an answer. Raises NascError."""
    found = _CELL.search(text)
    if not found:
        hint = f"expected {'+'.join(_blank(j) for j in (1, 2, 3))} with an operation for each op"
        raise NascError.of("the answer holds no cell", hint, "nb201")
    return parse_edges(found[0])


def _blank(target: int) -> str:
    return "|" + "".join(f"op~{source}|" for source in range(target))


def change_grammar(edges: Mapping[Edge, str], at: Edge | None, changes: int, why: int) -> str:
    """Return the grammar of 1 to ``changes`` lines that each put another operation on an edge, after a reason."""
    chosen = [at] if at is not None else list(EDGES)
    lines = [f'start: {"reason " if why else ""}(change "\\n")~1..{1 if at is not None else max(changes, 1)}']
    lines += reason_rules(why)
    lines.append(f"change: {' | '.join(f'edge{i}{j}' for i, j in chosen)}")
    for i, j in chosen:
        others = " | ".join(literal(operation) for operation in OPERATIONS if operation != edges[i, j])
        lines.append(f"edge{i}{j}: {literal(f'set {i}->{j} ')} ({others})")
    return "\n".join(lines) + "\n"


def cell_grammar() -> str:
    """Return the grammar of a whole cell, on one line."""
    parts = [f"op {literal(end)}" for end in ("~0|+|", "~0|", "~1|+|", "~0|", "~1|", "~2|\n")]
    operations = " | ".join(literal(operation) for operation in OPERATIONS)
    return f"start: {literal('|')} {' '.join(parts)}\nop: {operations}\n"
