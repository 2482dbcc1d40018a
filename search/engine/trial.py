"""Proposals and trials: what a strategy puts forward, and what the engine made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ...ir import Module

Status = Literal["pending", "running", "done", "repeat", "invalid", "over", "gated", "filtered", "failed"]
"""What became of a proposal.

``pending`` waits for a worker and ``running`` has one; ``done`` was evaluated. ``repeat`` is the same network as an
earlier trial and has its metrics. ``invalid`` is no network of the space, ``over`` could not be scaled down to the
limits, ``gated`` was dead at initialisation, ``filtered`` was left out by a cheaper evaluator, ``failed`` broke or ran
out of time or memory in the evaluator.
"""

OPEN: Final[tuple[Status, ...]] = ("pending", "running")
"""What a trial is before it is decided: all other statuses are for good."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy proposes: a network, or the answer that did not become one.

    ``parents`` are numbers of earlier trials, ``operator`` says how it came about (``mutation``, ``crossover``,
    ``fair``), ``change`` what was done (an edit script, or the answer as it came), ``why`` the reason given.
    ``module`` is None where ``error`` says why the answer could not be used, and ``over`` whether that is its size.
    ``notes`` are JSON values of the strategy's own, given back with the trial.
    """

    module: Module | None
    parents: tuple[int, ...] = ()
    operator: str = ""
    change: str = ""
    why: str = ""
    error: str = ""
    notes: Mapping[str, object] = field(default_factory=dict[str, object])
    over: bool = False


@dataclass(frozen=True)
class Trial:
    """A proposal and what became of it. Trials are numbered from 0 in the order in which they were proposed.

    ``metrics`` has ``params`` and ``macs`` (for one sample) wherever there is a network, ``score`` (higher is better)
    once it is evaluated, and whatever else the evaluator measured. ``repeat_of`` is the trial with the same digest
    that came first. ``module`` is the network as it is evaluated: legal, within the limits.
    """

    number: int
    round: int
    status: Status
    module: Module | None
    digest: str = ""
    parents: tuple[int, ...] = ()
    operator: str = ""
    change: str = ""
    why: str = ""
    error: str = ""
    notes: Mapping[str, object] = field(default_factory=dict[str, object])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    repeat_of: int | None = None
    seconds: float = 0.0

    @property
    def score(self) -> float | None:
        """The score that the evaluator gave; None where there is none."""
        return self.metrics.get("score")

    @property
    def changed(self) -> str:
        """What was done, in one line: its edits with semicolons between, without their places and the reason."""
        lines = (line for line in self.change.splitlines() if line and not line.startswith(("in @", "why:")))
        return "; ".join(lines)

    @property
    def reason(self) -> str:
        """Why it came to nothing, in one line: what is wrong and what would be right; empty where nothing is."""
        return in_one_line(self.error)

    @property
    def usable(self) -> bool:
        """Whether it can be a parent: a network with a score that is no repeat."""
        return self.status == "done" and self.score is not None


def best_of(trials: Iterable[Trial]) -> Trial | None:
    """Return the trial with the highest score, of equals the first; None where none was evaluated."""
    usable = (trial for trial in trials if trial.usable)
    return max(usable, key=lambda trial: (trial.score or 0.0, -trial.number), default=None)


def in_one_line(error: str) -> str:
    """Return the first finding of an error as people read it in a table: without its mark, with its advice."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    if not lines:
        return ""
    advice = lines[1].removeprefix("help: ") if lines[1:] and lines[1].startswith("help: ") else ""
    return f"{lines[0].removeprefix('error: ')}; {advice}" if advice else lines[0].removeprefix("error: ")
