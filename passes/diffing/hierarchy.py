"""A script as people read it: by block of the source model, an edit that many blocks share told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...ir import counted
from .difference import Difference
from .entries import Entry, Place

MARKS: Mapping[str, str] = {"inserted": "+", "deleted": "-", "changed": "~", "moved": ">"}
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """One edit, or the same edit in several blocks: its kind, the layer's name in its block, and what was done."""

    kind: str
    layer: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The edits that some blocks share: ``layer1.[0-11]``, the class of the first, and how many blocks there are.

    ``entries`` holds, line by line, the edits of all these blocks that the line tells.
    """

    blocks: str
    cls: str
    count: int
    lines: tuple[Line, ...]
    entries: tuple[tuple[Entry, ...], ...] = ()


def sections(difference: Difference) -> tuple[Section, ...]:
    """Return the edits by block, in the order of the network; equal ones in blocks that differ by number together."""
    frames = {scope for module in (difference.before, difference.after) for scope in parents(module.main.nodes)}
    classes = {**difference.before.main.scopes, **difference.after.main.scopes}
    shared: dict[tuple[str, Line, str], list[str]] = {}
    shown: dict[tuple[str, Line, str], Line] = {}
    told: dict[tuple[str, Line, str], list[Entry]] = {}
    for entry in difference.entries:
        block = _block(entry.place, frames)
        line = _line(entry, block)
        key = (_NUMBER.sub("#", block), Line(line.kind, line.layer, ""), _template(line.text, entry, block))
        shared.setdefault(key, []).append(block)
        shown.setdefault(key, line)
        told.setdefault(key, []).append(entry)
    groups: dict[tuple[str, ...], list[tuple[str, Line, str]]] = {}
    for key, blocks in shared.items():
        groups.setdefault(tuple(blocks), []).append(key)
    return tuple(
        Section(
            ranges(blocks),
            classes.get(blocks[0], ""),
            len(blocks),
            tuple(shown[key] for key in keys),
            tuple(tuple(told[key]) for key in keys),
        )
        for blocks, keys in groups.items()
    )


def parents(nodes: Iterable[object]) -> set[str]:
    """Return the paths that other paths lie below."""
    paths = {str(getattr(node, "path", "")) for node in nodes}
    return {path[:i] for path in paths for i, letter in enumerate(path) if letter == "."}


def _block(place: Place, frames: set[str]) -> str:
    return place.path if place.path in frames else place.path.rpartition(".")[0]


def _line(entry: Entry, block: str) -> Line:
    place = entry.place
    layer = relative(place.path, block) if place.path and place.path != block else f"%{relative(place.name, block)}"
    return Line(entry.kind, layer, _what(entry, block))


def _what(entry: Entry, block: str) -> str:
    if entry.kind in ("inserted", "deleted"):
        stated = [f"{name}={value}" for name, value in entry.place.attributes]
        return " ".join([entry.op, *stated, *_reads(entry.place, block)])
    words = [entry.op, ", ".join(f"{c.attribute} {c.before} -> {c.after}" for c in entry.changes)]
    if entry.rewired and entry.before is not None:
        words += [*_reads(entry.place, block), f"(was {_values(entry.before.reads, block)})"]
    return " ".join(word for word in words if word)


def _reads(place: Place, block: str) -> list[str]:
    return [f"<- {_values(place.reads, block)}"] if place.reads else []


def _values(names: Sequence[str], block: str) -> str:
    return ", ".join(f"%{relative(name, block)}" for name in names) or "nothing"


def _template(text: str, entry: Entry, block: str) -> str:
    """Return a line's text with the numbers of the layers outside the block left out, to tell repeats by."""
    names = {name for place in (entry.before, entry.after) if place for name in place.reads}
    for name in sorted(names, key=len, reverse=True):
        if not name.startswith(f"{block}."):
            text = text.replace(f"%{name}", f"%{_NUMBER.sub('#', name)}")
    return text


def relative(name: str, block: str) -> str:
    """Return a dotted name as it is called inside a block."""
    return name[len(block) + 1 :] if block and name.startswith(f"{block}.") else name


def ranges(blocks: Sequence[str]) -> str:
    """Return names that differ in their numbers as one, ``layer[1-3].[0-2]``, or as a list of such."""
    if len(blocks) == 1:
        return blocks[0]
    whole = _one_range(blocks)
    if whole:
        return whole
    groups: dict[str, list[str]] = {}
    for block in blocks:
        head, _, tail = block.rpartition(".")
        groups.setdefault(head if _NUMBER.search(tail) else block, []).append(block)
    parts = [_one_range(some) or ", ".join(dict.fromkeys(some)) for some in groups.values()]
    return ", ".join(parts)


def _one_range(blocks: Sequence[str]) -> str:
    """Return the names as one where they are all combinations of some numbers, else nothing."""
    rows = [tuple(map(int, _NUMBER.findall(block))) for block in blocks]
    texts = [_NUMBER.split(block) for block in blocks]
    if any(text != texts[0] for text in texts):
        return ""
    columns = [sorted(set(column)) for column in zip(*rows, strict=True)]
    if sorted(product(*columns)) != sorted(set(rows)):
        return ""
    pieces = [_numbers(column) for column in columns]
    return "".join(text + piece for text, piece in zip(texts[0], [*pieces, ""], strict=True))


def _numbers(column: Sequence[int]) -> str:
    if len(column) == 1:
        return str(column[0])
    runs: list[list[int]] = []
    for number in column:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return f"[{','.join(str(run[0]) if len(run) == 1 else f'{run[0]}-{run[-1]}' for run in runs)}]"


def totals(difference: Difference) -> tuple[tuple[str, str], ...]:
    """Return what the edits come to: parameters, MACs and, where it was predicted, the score, before and after."""
    before, after = difference.costs
    rows = [("params", _count(before.params, after.params)), ("MACs", _count(before.macs, after.macs))]
    if difference.scores is not None:
        old, new = difference.scores
        rows.append(("predicted score", f"{old:.4f} -> {new:.4f} ({new - old:+.4f})"))
    return tuple(rows)


def _count(before: int, after: int) -> str:
    if before == after:
        return f"{before:,}, unchanged"
    share = f", {(after - before) / before:+.1%}" if before else ""
    return f"{before:,} -> {after:,} ({after - before:+,}{share})"


def summary(difference: Difference) -> str:
    """Return how many edits there are of each kind, or that there are none."""
    renamed = sum(one.count for one in difference.renamed)
    tail = f"; {counted(renamed, 'node')} renamed" if renamed else ""
    if difference.equal:
        return f"the same network, {counted(len(difference.after.main.nodes), 'node')}{tail}"
    kinds = [entry.kind for entry in difference.entries]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in MARKS if kind in kinds)
    return f"{counted(len(kinds), 'edit')}: {counts}{tail}"
