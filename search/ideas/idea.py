"""Ideas for better networks: a sentence each, its place in the attribute tree, and the words that a change needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from ...ir import Diagnostic, Loc, NascError
from ...ir.files import whole

TREE: Mapping[str, tuple[str, ...]] = {
    "operation": ("feature extraction", "normalization", "activation"),
    "block and connectivity": (
        "input encoding",
        "residual connections and branches",
        "feature fusion",
        "feature recalibration",
    ),
    "network": ("depth", "width", "downsampling", "regularisation"),
}
"""The two fixed levels of the attribute tree: granularity and category (FairNAD, appendix; ours are fewer)."""


@dataclass(frozen=True, slots=True)
class Idea:
    """One idea.

    ``words`` are pieces of text of which an edit that carries it out has one (``gelu``, ``kernel_size=5``); none for
    an idea that may be carried out anyhow. ``source`` is the paper that it comes from.
    """

    text: str
    words: tuple[str, ...] = ()
    level: str = ""
    category: str = ""
    source: str = ""

    @property
    def key(self) -> str:
        """What is equal for ideas that say the same in the same words."""
        return " ".join(re.findall(r"[a-z0-9]+", self.text.lower()))

    def document(self) -> dict[str, object]:
        """Return the idea as JSON holds it."""
        return {**asdict(self), "words": list(self.words)}


@cache
def default_ideas() -> tuple[Idea, ...]:
    """Return the ideas that are shipped: in our own words, after the categories of FairNAD and examples of NADER."""
    return read_lines(files("nasc.search.ideas").joinpath("default.jsonl").read_text(encoding="utf-8"), "default.jsonl")


def read_ideas(path: Path) -> tuple[Idea, ...]:
    """Return the ideas of a JSON-lines file. Raises NascError with every line that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise NascError.of(f"cannot read {path}: {reason}", "give a file of `nasc ideas read`", "ideas") from None
    return read_lines(text, str(path))


def read_lines(text: str, name: str) -> tuple[Idea, ...]:
    """Return the ideas of JSON lines. Raises NascError with every line that is none."""
    found: list[Idea] = []
    problems: list[Diagnostic] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(idea_of(json.loads(line)))
        except ValueError as error:
            hint = 'expected {"text": "...", "words": [...], "level": "...", "category": "...", "source": "..."}'
            problems.append(Diagnostic(f"this line is no idea: {error}", hint, "ideas", Loc(name, number, 1)))
    if problems:
        raise NascError(*problems)
    return tuple(found)


def idea_of(document: object) -> Idea:
    """Return the idea that a JSON document holds. Raises ValueError."""
    if not isinstance(document, dict) or not isinstance(document.get("text"), str) or not document["text"].strip():
        raise ValueError("it has no text")
    words = document.get("words", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("words are no list of text")
    plain = {name: str(document.get(name, "")) for name in ("level", "category", "source")}
    return Idea(document["text"].strip(), tuple(words), **plain)


def write_ideas(path: Path, ideas: Iterable[Idea]) -> None:
    """Write ideas as JSON lines, whole or not at all."""
    text = "".join(f"{json.dumps(idea.document(), ensure_ascii=False)}\n" for idea in ideas)
    with whole(path) as other:
        Path(other).write_text(text, encoding="utf-8")


def by_category(ideas: Sequence[Idea]) -> dict[str, dict[str, list[Idea]]]:
    """Return the attribute tree: level, category, ideas; levels and categories without ideas are left out."""
    tree: dict[str, dict[str, list[Idea]]] = {}
    for idea in ideas:
        tree.setdefault(idea.level or "network", {}).setdefault(idea.category or "other", []).append(idea)
    return tree
