"""NAS-Assist prompting: Algorithm 3 of the thesis, over the IR.

The algorithm::

    best <- the best of the starts
    while there are evaluations left and the best is below the threshold:
        note the relevance of each layer of the best
        place <- where it has the largest potential; after each failure the next place, at last all of it
        ask the LLM for an edit of the place, and again with the error where the edit cannot be used
        evaluate; the best stays the best until a network is better
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...ir import Module
from ..engine import Proposal, Spot, Trial, View
from ..llm import Message
from ..prompts import filled
from .asking import Asking, instructions
from .drawing import Drawing
from .options import check_options, option
from .ranking import best_of, score_of, usable
from .relevances import by_potential, relevance_line, with_relevance


@dataclass(frozen=True)
class NasAssistant:
    """The rewrite loop of the thesis as a strategy.

    ``tries`` is how often an answer may fail, ``threshold`` the score that ends the search. Without ``relevance``
    places come in the space's own order and the LLM is not told what helps and what hurts.
    """

    name: ClassVar[str] = "nas-assistant"
    tries: int = option(3, least=1)
    threshold: float = math.inf
    relevance: bool = True

    def __post_init__(self) -> None:
        """Check the options. Raises NascError."""
        check_options(self)

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the start, then edits of the best network."""
        drawing, alive = Drawing(view), usable(view.trials)
        if not alive:
            return drawing.opening(1)
        best = best_of(alive)
        if score_of(best) >= self.threshold:
            return []
        assert best.module is not None
        noted = with_relevance(best.module) if self.relevance else best.module
        spots = view.space.spots(noted)
        places = [*(by_potential(noted, spots) if self.relevance else spots), None]
        failures = sum(trial.parents == (best.number,) for trial in view.trials)
        turns = range(failures, failures + min(view.wanted, view.left))
        return [self.edit(drawing, best, noted, places[turn % len(places)]) for turn in turns]

    def edit(self, drawing: Drawing, best: Trial, noted: Module, place: Spot | None) -> Proposal:
        """Return what the LLM makes of a place of the best network, or of all of it."""
        asking, space, name = Asking(drawing), drawing.view.space, place.name if place else "the network"

        def messages(length: int) -> tuple[Message, ...]:
            question = filled(
                "nas-assistant/request",
                text=space.show(noted, place, length),
                relevance=relevance_line(noted, place) if self.relevance and place else "",
                score=f"{score_of(best):.4f}",
                tried=self.tried(drawing.view, best, asking.style.tried),
                place=name,
            )
            return (*instructions(space, asking.style), Message("user", question))

        reply = asking.by_chance(asking.edit(noted, place, messages, self.tries))
        return asking.proposal(reply, "edit", (best.number,), place=name)

    def tried(self, view: View, best: Trial, most: int) -> str:
        """Return the latest children of the best network and what they lost."""
        children = [trial for trial in usable(view.trials) if trial.parents == (best.number,)]
        lines = [f"{trial.changed} ({score_of(trial) - score_of(best):+.4f})" for trial in children]
        return "\n".join(f"Tried: {line}" for line in lines[-most:]) if most else ""
