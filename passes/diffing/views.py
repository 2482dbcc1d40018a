"""A difference as text for terminals and pipes, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .difference import Difference
from .entries import Entry, Place
from .hierarchy import MARKS, sections, summary, totals

COLOURS: Mapping[str, str] = {
    "inserted": "32",
    "deleted": "31",
    "changed": "33",
    "moved": "36",
    "head": "1",
    "dim": "2",
}
RENAMED = 20


def printable(text: str) -> str:
    """Return text without what a terminal would act on."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def as_text(difference: Difference, names: Sequence[str] = ("before", "after"), colour: bool = False) -> str:
    """Return the script by block, what was renamed, and the totals; in colour for terminals."""

    def paint(style: str, text: str) -> str:
        return f"\033[{COLOURS[style]}m{printable(text)}\033[0m" if colour else printable(text)

    lines = [paint("head", f"--- {names[0]}"), paint("head", f"+++ {names[1]}"), ""]
    for section in sections(difference):
        repeats = f"  x{section.count}" if section.count > 1 else ""
        lines.append(paint("head", f"{section.blocks or '(top)'}{'  ' * bool(section.cls)}{section.cls}{repeats}"))
        width = max(len(line.layer) for line in section.lines)
        lines += [paint(line.kind, f"  {MARKS[line.kind]} {line.layer:{width}}  {line.text}") for line in section.lines]
        lines.append("")
    if difference.renamed:
        lines += [paint("dim", line) for line in [*_renamed(difference), ""]]
    lines.append(printable(summary(difference)))
    lines += [printable(f"{name} {text}") for name, text in totals(difference)]
    return "\n".join(lines) + "\n"


def _renamed(difference: Difference) -> list[str]:
    shown = difference.renamed[:RENAMED]
    lines = ["renamed"] + [f"  = {one.before} -> {one.after}" + f"  x{one.count}" * (one.count > 1) for one in shown]
    more = len(difference.renamed) - len(shown)
    return [*lines, f"  = and {more} more"] if more else lines


def as_data(difference: Difference) -> dict[str, object]:
    """Return everything as plain data for JSON."""
    before, after = difference.costs
    data: dict[str, object] = {
        "equal": difference.equal,
        "entries": [_entry(entry) for entry in difference.entries],
        "renamed": [{"before": r.before, "after": r.after, "count": r.count} for r in difference.renamed],
        "params": {"before": before.params, "after": after.params},
        "macs": {"before": before.macs, "after": after.macs},
    }
    if difference.scores is not None:
        data["score"] = {"before": difference.scores[0], "after": difference.scores[1]}
    return data


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "op": entry.op,
        "before": _place(entry.before),
        "after": _place(entry.after),
        "changes": {c.attribute: {"before": c.before, "after": c.after} for c in entry.changes},
        "rewired": entry.rewired,
        "params": entry.params,
        "macs": entry.macs,
    }


def _place(place: Place | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {"name": place.name, "path": place.path, "reads": list(place.reads), "attributes": dict(place.attributes)}
