"""Cascades: ``predictor/4,train:digits`` filters by a cheap evaluator which networks a dear one sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ...ir import NascError

_STAGE = re.compile(r"(?P<spec>.+?)(?:/(?P<divisor>\d+))?", re.DOTALL)
_COMMA = re.compile(r",(?![^{]*\})")


@dataclass(frozen=True, slots=True)
class Stage:
    """An evaluator and which share of networks goes on to the next one: the best in every ``divisor``."""

    spec: str
    divisor: int = 1


@dataclass(frozen=True, slots=True)
class Cascade:
    """Evaluators in order; the last one's score is the score."""

    stages: tuple[Stage, ...]

    @property
    def filters(self) -> tuple[Stage, ...]:
        """All but the last."""
        return self.stages[:-1]

    @property
    def last(self) -> str:
        """The evaluator whose score counts."""
        return self.stages[-1].spec

    def __str__(self) -> str:
        """Return the text that it was read from."""
        return ",".join(stage.spec + f"/{stage.divisor}" * (stage.divisor > 1) for stage in self.stages)


def parse_cascade(text: str) -> Cascade:
    """Return the stages of ``A/4,B/2,C``; one evaluator alone is a cascade too. Raises NascError."""
    stages: list[Stage] = []
    for part in _COMMA.split(text):
        found = _STAGE.fullmatch(part.strip())
        if not found:
            raise NascError.of(f"{text!r} has an empty stage", "expected EVALUATOR/4,EVALUATOR", "evaluator")
        stages.append(Stage(found["spec"], int(found["divisor"] or 1)))
    if stages[-1].divisor != 1:
        hint = f"leave out /{stages[-1].divisor}, or name the evaluator that the others go on to"
        raise NascError.of(f"{text!r} filters by {stages[-1].spec} for nothing", hint, "evaluator")
    for stage in stages[:-1]:
        if stage.divisor < 2:
            hint = f"write {stage.spec}/4 to pass the best quarter"
            raise NascError.of(f"{stage.spec} in {text!r} does not say how many pass", hint, "evaluator")
    return Cascade(tuple(stages))


def passing(scores: Sequence[float], divisor: int) -> list[int]:
    """Return the places of the best ``1/divisor`` of scores, at least one, in their order; of equals the first."""
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return sorted(best[: ceil(len(scores) / divisor)])
