"""What an evaluator is, and what it says of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal, Protocol

from ...ir import Module


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an evaluation.

    ``done`` has a ``score`` (higher is better) among its ``metrics``; ``gated`` was dead before it was trained, and
    ``failed`` could not be evaluated or ran out of time or memory: ``error`` says why. ``seconds`` is wall time.
    """

    status: Literal["done", "gated", "failed"]
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""
    seconds: float = 0.0

    def sound(self) -> Outcome:
        """Return the outcome with the metrics that are finite numbers; ``failed`` where that leaves no score."""
        finite = {name: float(value) for name, value in self.metrics.items() if isfinite(value)}
        if self.status == "done" and "score" not in finite:
            return replace(self, status="failed", metrics=finite, error="the evaluator gave no finite score")
        return replace(self, metrics=finite)


class Evaluator(Protocol):
    """One way to tell what a network is worth. What it returns follows from the network and the seed alone."""

    @property
    def name(self) -> str:
        """The specification in full, every option stated: two with one name give equal outcomes."""
        ...

    def evaluate(self, module: Module, seed: int) -> Outcome:
        """Return the outcome. Raises NascError where the network does not fit what it is evaluated on."""
        ...


class SetEvaluator(Evaluator, Protocol):
    """An evaluator whose scores are ranks within a set of networks."""

    def rank(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """Return the score of each of a set of networks, given by their metrics."""
        ...
