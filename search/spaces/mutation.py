"""Random typed edits of a module: one option of the edit grammar, drawn without writing the grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from ...ir import Module
from ..edit_grammar import repairable
from ..edit_script import parse_edits
from ..edits import Edit
from ..vocabulary import Vocabulary, vocabulary


def draw_edit(module: Module, graph: str, node: str, allowed: frozenset[str], rng: Random) -> Edit | None:
    """Return one edit of a node of a checked module, None where nothing about it may change.

    The kind of the edit is drawn first, then the edit, so that a node with many sizes is not resized all the time.
    """
    words = vocabulary(module, module.graph(graph), (node,), allowed, repairable)
    forms = [lines for lines in _forms(words, node) if lines]
    if not forms:
        return None
    (edit,) = parse_edits(rng.choice(rng.choice(forms)), graph)
    return edit


def _forms(words: Vocabulary, node: str) -> Sequence[Sequence[str]]:
    """Return the lines of each kind of edit."""
    return (
        [f"set %{node} {name}={value}" for name, values in words.settings.get(node, {}).items() for value in values],
        _each(f"replace %{node} with ", words.replacements, node),
        _each(f"after %{node} insert ", words.insertions, node),
        [f"skip %{source} -> %{target}" for source, targets in words.skips.items() for target in targets],
        [f"delete %{name}" for name in words.deletions],
        [f"repeat %{name}" for name in words.repeats],
    )


def _each(start: str, options: Mapping[str, Sequence[str]], node: str) -> list[str]:
    return [f"{start}{option}" for option in options.get(node, ())]
