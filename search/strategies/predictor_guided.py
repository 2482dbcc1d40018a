"""Search by a predictor: many candidates cost nothing, only those that it likes best are evaluated. No LLM.

propose the best predicted of many samples
while there are evaluations left:
    correct the predictor by what was evaluated
    propose the best predicted of many samples, and of many mutations of the best trials
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..engine import Proposal, Trial, View
from .drawing import Drawing
from .guides import GUIDES, guide_of, likeliest
from .options import check_options, option
from .ranking import score_of, usable


@dataclass(frozen=True)
class PredictorGuided:
    """Search by a predictor.

    ``guide`` is ``learned`` or ``predictor`` (see ``guides.py``), ``candidates`` how many networks it scores for each
    one that is wanted: half of them samples of the space, half mutations of the ``top`` best trials.
    """

    name: ClassVar[str] = "predictor"
    guide: str = option("learned", names=GUIDES)
    candidates: int = option(32, least=1)
    top: int = option(5, least=1)

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the starts, then the likeliest candidates."""
        drawing, count = Drawing(view), min(view.wanted, view.left)
        starts = drawing.opening(0)
        if starts:
            return starts
        best = sorted(usable(view.trials), key=lambda trial: (-score_of(trial), trial.number))[: self.top]
        found = [self.candidate(drawing, best, number) for number in range(self.candidates * count)]
        return likeliest(found, guide_of(self.guide, view.trials), count)

    def candidate(self, drawing: Drawing, best: Sequence[Trial], number: int) -> Proposal:
        """Return a sample, or for every other number a mutation of one of the best."""
        return drawing.mutation(best[number // 2 % len(best)]) if best and number % 2 else drawing.sample()
