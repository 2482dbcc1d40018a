"""The ledger of a study: what became of the proposals, why some failed, and what the LLM took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..engine import Status, Trial
from ..engine.trial import OPEN, in_one_line
from .material import Call, Material

MEANING: Mapping[str, str] = {
    "done": "evaluated",
    "repeat": "same network as an earlier one",
    "filtered": "left out by a cheaper evaluator",
    "gated": "dead at initialisation",
    "failed": "broke, or ran out of time or memory, in the evaluator",
    "over": "over the limits, even at its narrowest",
    "invalid": "no network of the space",
    "running": "has a worker",
    "pending": "waits for a worker",
}
BROKEN = ("invalid", "failed")
REFUSED = (*BROKEN, "over", "gated")
LETTERS = 160


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason why proposals failed: its first line, how many, and the first of them."""

    status: str
    reason: str
    count: int
    first: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What an LLM took: calls that were made, answers that came from the store, and failed calls."""

    model: str
    calls: int
    cached: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float | None


def by_status(trials: Sequence[Trial]) -> dict[str, int]:
    """Return how many trials have each status, in the order of :data:`MEANING`; those of none are left out."""
    counts: Counter[str] = Counter(trial.status for trial in trials)
    assert set(MEANING) == set(get_args(Status))
    return {status: counts[status] for status in MEANING if counts[status]}


def executable(trials: Sequence[Trial]) -> float | None:
    """Return which share of the decided proposals is a network that runs; None where none is decided.

    That are all but ``invalid`` and ``failed`` ones; networks over the limits and dead ones do run.
    """
    decided = [trial for trial in trials if trial.status not in OPEN]
    return sum(trial.status not in BROKEN for trial in decided) / len(decided) if decided else None


def failures(trials: Sequence[Trial]) -> list[Failure]:
    """Return the reasons of failures, the most frequent first; reasons that differ in numbers alone are one."""
    found: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        if trial.status in REFUSED:
            found.setdefault((trial.status, _template(trial.error)), []).append(trial)
    reasons = [Failure(key[0], reason(some[0].error), len(some), some[0].number) for key, some in found.items()]
    return sorted(reasons, key=lambda failure: (-failure.count, failure.first))


def reason(error: str) -> str:
    """Return an error in one line, cut where it is long."""
    line = in_one_line(error) or "no reason given"
    return line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…"


def _template(error: str) -> str:
    return "".join("#" if c.isdigit() else c for c in reason(error))


def spent(calls: Sequence[Call]) -> list[Spent]:
    """Return what each model took, in the order of their first calls."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.model, []).append(call)
    return [_spent(model, some) for model, some in groups.items()]


def total(material: Material) -> Spent:
    """Return what all LLM calls of a study took together."""
    return _spent("", material.calls)


def _spent(model: str, calls: Sequence[Call]) -> Spent:
    made = [call for call in calls if not call.cached]
    costs = [call.cost for call in made if call.cost is not None]
    return Spent(
        model,
        len(made),
        len(calls) - len(made),
        sum(bool(call.error) for call in made),
        sum(call.prompt_tokens for call in made),
        sum(call.completion_tokens for call in made),
        sum(call.seconds for call in made),
        sum(costs) if costs else None,
    )
