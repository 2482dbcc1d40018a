"""FairNAD's attribute tree: levels, categories and ideas, and how often each has been used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from ..engine import Trial
from ..ideas import Idea, by_category

Path = tuple[str, ...]


@dataclass
class AttributeTree:
    """Ideas by level and category. ``used`` counts the proposals of each path, from the root on."""

    ideas: Sequence[Idea]
    used: Counter[Path] = field(default_factory=Counter[Path])

    @classmethod
    def of(cls, ideas: Sequence[Idea], trials: Iterable[Trial]) -> AttributeTree:
        """Return the tree of some ideas as earlier trials have used it, those that failed too."""
        tree = cls(ideas)
        for trial in trials:
            path = trial.notes.get("path")
            if isinstance(path, list):
                tree.count(tuple(map(str, path)))
        return tree

    def count(self, path: Path) -> None:
        """Count a path once more, and all that lead to it."""
        self.used.update(path[:depth] for depth in range(1, len(path) + 1))

    def fairest(self, able: Sequence[Idea], rng: Random) -> tuple[Path, Idea]:
        """Return the idea that the least-used level, in it the least-used category, has used least; and count it.

        Only ``able`` ideas are taken; ``rng`` chooses among equals.
        """
        tree = by_category(able)
        level = self._least((), list(tree), rng)
        category = self._least((level,), list(tree[level]), rng)
        ideas = {idea.key: idea for idea in tree[level][category]}
        key = self._least((level, category), list(ideas), rng)
        path = (level, category, key)
        self.count(path)
        return path, ideas[key]

    def _least(self, path: Path, names: Sequence[str], rng: Random) -> str:
        fewest = min(self.used[*path, name] for name in names)
        return rng.choice([name for name in names if self.used[*path, name] == fewest])
