"""A difference as a picture, both networks side by side, and as a page that shows it; all text in them is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ...ir import Op, counted
from .difference import Difference
from .entries import brief
from .hierarchy import MARKS, sections, summary, totals
from .views import printable

FILLS: Mapping[str, str] = {
    "inserted": "#d7f5dd",
    "deleted": "#fbd9d7",
    "changed": "#fdf0c4",
    "moved": "#d4ebfb",
    "same": "#f4f4f4",
}
STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; color: #222; background: #fff; }
h2 { font: 600 15px/1.5 ui-monospace, monospace; margin: 1.5em 0 .3em; }
td { font: 13px/1.5 ui-monospace, monospace; padding: .1em .8em; vertical-align: top; }
table { border-collapse: collapse; } .scroll { overflow-x: auto; }
"""
CONTEXT = 2
MOST_ROWS = 2000
WIDTH, GAP, MARGIN, ROW, BOX = 400, 60, 60, 46, 38
LETTERS = 54


@dataclass(frozen=True, slots=True)
class Row:
    """A pair of nodes, or one without a partner, or (``skipped``) a number of pairs that are the same."""

    kind: str
    before: str = ""
    after: str = ""
    skipped: int = 0


def rows(difference: Difference) -> list[Row]:
    """Return the nodes of both networks side by side; of what is the same only what stands beside an edit."""
    kinds: dict[str, str] = {e.after.name: e.kind for e in difference.entries if e.after is not None}
    partners = dict(difference.pairs)
    places = {node.name: float(i) for i, node in enumerate(difference.after.main.nodes)}
    found: list[tuple[float, Row]] = []
    last = -1.0
    for node in difference.before.main.nodes:
        partner = partners.get(node.name)
        last = places[partner] if partner is not None else last
        if partner is None:
            found.append((last + 0.5, Row("deleted", node.name)))
        else:
            found.append((last, Row(kinds.get(partner, "same"), node.name, partner)))
    matched = set(partners.values())
    found += [(place, Row("inserted", "", name)) for name, place in places.items() if name not in matched]
    return list(_shortened([row for _, row in sorted(found, key=lambda one: one[0])]))


def _shortened(every: Sequence[Row]) -> Iterator[Row]:
    near = {i + d for i, row in enumerate(every) if row.kind != "same" for d in range(-CONTEXT, CONTEXT + 1)}
    skipped = 0
    for i, row in enumerate(every):
        if i not in near:
            skipped += 1
            continue
        if skipped:
            yield Row("same", skipped=skipped)
        skipped = 0
        yield row
    if skipped:
        yield Row("same", skipped=skipped)


def as_svg(difference: Difference, names: Sequence[str] = ("before", "after")) -> str:
    """Return a drawing: a column a network, a row a pair of nodes, lines for what skips over others."""
    shown = rows(difference)
    cut = shown[:MOST_ROWS]
    height = MARGIN + ROW * len(cut) + 40
    width = 2 * (MARGIN + WIDTH) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="ui-monospace, monospace" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for side, name in enumerate(names):
        parts.append(f'<text x="{_left(side)}" y="32" font-size="15" font-weight="bold">{_escaped(name)}</text>')
    parts += _boxes(difference, cut)
    for side in (0, 1):
        parts += _skips(difference, cut, side)
    last = f"and {len(shown) - len(cut)} more rows; " if len(shown) > len(cut) else ""
    parts.append(f'<text x="{_left(0)}" y="{height - 14}">{_escaped(last + summary(difference))}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _left(side: int) -> int:
    return MARGIN + side * (WIDTH + GAP)


def _escaped(text: str, letters: int = 10 * LETTERS) -> str:
    shown = printable(text)
    return escape(shown if len(shown) <= letters else f"{shown[: letters - 1]}…")


def _boxes(difference: Difference, shown: Sequence[Row]) -> Iterator[str]:
    texts = [
        {node.name: (f"{node.op.name}  {node.path}", _stated(node.op)) for node in module.main.nodes}
        for module in (difference.before, difference.after)
    ]
    for index, row in enumerate(shown):
        y = MARGIN + index * ROW
        if row.skipped:
            alike = f"{counted(row.skipped, 'node')} alike"
            yield f'<text x="{_left(0)}" y="{y + 24}" fill="#777777">⋮ {alike}</text>'
            continue
        for side, name in enumerate((row.before, row.after)):
            if name:
                yield _box(side, y, FILLS[row.kind], *texts[side][name])
        if row.before and row.after:
            middle = y + BOX // 2
            yield f'<path d="M{_left(0) + WIDTH} {middle}H{_left(1)}" stroke="#bbbbbb"/>'


def _stated(op: Op) -> str:
    return ", ".join(f"{name}={brief(op, name)}" for name in op.stated() if name not in ("key", "data"))


def _box(side: int, y: int, fill: str, title: str, attributes: str) -> str:
    x = _left(side)
    return (
        f'<g><title>{_escaped(title)} {_escaped(attributes)}</title><rect x="{x}" y="{y}" width="{WIDTH}" '
        f'height="{BOX}" rx="5" fill="{fill}" stroke="#999999"/>'
        f'<text x="{x + 8}" y="{y + 15}">{_escaped(title, LETTERS)}</text>'
        f'<text x="{x + 8}" y="{y + 31}" fill="#555555">{_escaped(attributes, LETTERS)}</text></g>'
    )


def _skips(difference: Difference, shown: Sequence[Row], side: int) -> Iterator[str]:
    """Draw, beside a column, what a node reads that is not right above it."""
    graph = (difference.before, difference.after)[side].main
    at = {name: index for index, row in enumerate(shown) if (name := (row.before, row.after)[side])}
    edge = _left(0) if side == 0 else _left(1) + WIDTH
    for node in graph.nodes:
        for source in node.operands if node.name in at else ():
            if source not in at or at[node.name] - at[source] <= 1:
                continue
            top, end = MARGIN + at[source] * ROW + BOX // 2, MARGIN + at[node.name] * ROW + BOX // 2
            out = edge + (1 if side else -1) * min(50, 8 + 3 * (at[node.name] - at[source]))
            yield f'<path d="M{edge} {top}C{out} {top} {out} {end} {edge} {end}" fill="none" stroke="#5577aa"/>'


def as_html(difference: Difference, names: Sequence[str] = ("before", "after")) -> str:
    """Return one page that needs nothing else: totals, the script by block, and the drawing."""
    title = f"{names[0]} → {names[1]}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{_escaped(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
        f"<h1>{_escaped(title)}</h1>\n<p>{_escaped(summary(difference))}</p>\n<table>",
        *(f"<tr><td>{_escaped(name)}</td><td>{_escaped(text)}</td></tr>" for name, text in totals(difference)),
        "</table>",
        *_sections(difference),
        *_renamed(difference),
        '<h2>side by side</h2>\n<div class="scroll">',
        as_svg(difference, names) + "</div>\n</body>\n</html>",
    ]
    return "\n".join(parts) + "\n"


def _sections(difference: Difference) -> Iterator[str]:
    for section in sections(difference):
        repeats = f" x{section.count}" if section.count > 1 else ""
        yield f"<h2>{_escaped(section.blocks or '(top)')} {_escaped(section.cls)}{repeats}</h2>\n<table>"
        for line in section.lines:
            yield (
                f'<tr style="background:{FILLS[line.kind]}"><td title="{line.kind}">{escape(MARKS[line.kind])}</td>'
                f"<td>{_escaped(line.layer)}</td><td>{_escaped(line.text)}</td></tr>"
            )
        yield "</table>"


def _renamed(difference: Difference) -> Iterator[str]:
    if difference.renamed:
        yield "<h2>renamed</h2>\n<table>"
        for one in difference.renamed:
            count = f"x{one.count}" if one.count > 1 else ""
            yield f"<tr><td>{_escaped(one.before)}</td><td>→ {_escaped(one.after)}</td><td>{count}</td></tr>"
        yield "</table>"
