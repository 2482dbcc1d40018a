"""Regularised evolution (Real et al., 2019): the fittest of a few breed, the oldest die. No LLM.

population <- starts and samples, evaluated
while there are evaluations left:
    parent <- the best of `sample` drawn from the population
    child  <- parent with one typed mutation (with `guide`, the best predicted of `draws` mutations)
    evaluate the child; it joins the population, whose oldest member leaves
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..engine import Proposal, Trial, View
from .drawing import Drawing
from .guides import GUIDES, guide_of, likeliest
from .options import check_options, option
from .ranking import best_of, usable


@dataclass(frozen=True)
class Evolution:
    """Regularised evolution.

    ``population`` is how many of the latest evaluated networks live, ``sample`` how many of them compete to be a
    parent. ``crossover`` is the share of children with two parents. With a ``guide`` (``predictor`` or ``learned``,
    see ``guides.py``) ``draws`` children are made for each one wanted, and those that it likes best are proposed.
    """

    name: ClassVar[str] = "evolution"
    population: int = option(10, least=1)
    sample: int = option(3, least=1)
    crossover: float = option(0.0, least=0, most=1)
    guide: str = option("none", names=("none", *GUIDES))
    draws: int = option(16, least=1)

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the first population, then children."""
        drawing, count = Drawing(view), min(view.wanted, view.left)
        alive = usable(view.trials)[-self.population :]
        missing = self.population - len(alive)
        if missing > 0:
            return drawing.opening(min(count, missing))
        if self.guide == "none":
            return [self.child(drawing, alive) for _ in range(count)]
        children = [self.child(drawing, alive) for _ in range(self.draws * count)]
        return likeliest(children, guide_of(self.guide, view.trials), count)

    def child(self, drawing: Drawing, alive: Sequence[Trial]) -> Proposal:
        """Return a child of the best of a few of the population."""
        rng, space = drawing.view.rng, drawing.view.space
        parent, other = self.winner(drawing.view, alive), self.winner(drawing.view, alive)
        first, second = parent.module, other.module
        if rng.random() >= self.crossover or first is second or first is None or second is None:
            return drawing.mutation(parent)
        return drawing.propose(lambda _: space.cross(first, second, rng), "crossover", (parent, other))

    def winner(self, view: View, alive: Sequence[Trial]) -> Trial:
        """Return the best of ``sample`` drawn from the population."""
        return best_of(view.rng.sample(alive, min(self.sample, len(alive))))
