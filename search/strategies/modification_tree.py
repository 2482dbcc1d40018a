"""NADER's modification tree: every network under the one it was made of, and who is modified next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from ..engine import Trial
from .ranking import best_of, score_of, usable


@dataclass(frozen=True)
class ModificationTree:
    """The trials of a study as a tree; each hangs under its first parent."""

    trials: Sequence[Trial]

    def children(self, parent: Trial) -> Sequence[Trial]:
        """Return the networks made of a network, those that failed too."""
        return self._children.get(parent.number, ())

    @cached_property
    def _children(self) -> Mapping[int, Sequence[Trial]]:
        """The children of all networks by the number of their parent, in their order."""
        found: dict[int, list[Trial]] = {}
        for trial in self.trials:
            for parent in trial.parents[:1]:
                found.setdefault(parent, []).append(trial)
        return found

    def parent(self, child: Trial) -> Trial | None:
        """Return the network that a network was made of; None for a root."""
        return self.trials[child.parents[0]] if child.parents else None

    def gain(self, child: Trial) -> float:
        """Return by how much a network is better than its parent; minus infinity where it has no score."""
        parent = self.parent(child)
        return score_of(child) - score_of(parent) if parent is not None and child.score is not None else score_of(child)

    def deepest(self, rng: Random) -> Trial:
        """Return where depth-first search goes on: down from the best root to the best child as long as that is better.

        Equal children are told apart by ``rng``.
        """
        node = best_of([trial for trial in usable(self.trials) if not trial.parents] or usable(self.trials))
        while better := [child for child in usable(self.children(node)) if score_of(child) > score_of(node)]:
            top = max(map(score_of, better))
            node = rng.choice([child for child in better if score_of(child) == top])
        return node

    def widest(self, breadth: int) -> Trial:
        """Return where breadth-first search goes on: the best network with fewer than ``breadth`` children, if any."""
        alive = usable(self.trials)
        open_ = [trial for trial in alive if len(self.children(trial)) < breadth]
        return best_of(open_ or alive)

    def latest(self, parent: Trial) -> Trial | None:
        """Return the latest modification of a network, else the one that made it."""
        children = self.children(parent)
        return children[-1] if children else parent if parent.parents else None
