"""What a rewrite is asked for and what came of it: options, steps, result, and the header of emitted code."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..ir import Module
from ..passes import show_count
from .description import percent
from .edits import Edit, edit_line
from .limits import Size
from .llm import LLMError

_WIDTH = 100


@dataclass(frozen=True)
class RewriteOptions:
    """How far a rewrite goes.

    ``threshold`` is the score at which it stops, by default a quarter of the predictor's standard deviation
    on its family above the model's own; ``max_iterations`` rounds at most, ``tries`` answers a round until
    one can be used. ``keep_ops`` allows only kinds of operations that the model has; ``max_params`` and
    ``max_macs`` bound its size, as a number, ``5M`` or ``1.1x`` of the model's.
    """

    threshold: float | None = None
    max_iterations: int = 10
    tries: int = 3
    keep_ops: bool = False
    max_params: str | int | None = None
    max_macs: str | int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Step:
    """One answer and what became of it.

    ``text`` is the answer as it came, ``explanation`` the reason in the LLM's own words (empty where it gave none),
    ``description`` what the edits do, derived from them. ``network`` is what came out, ``score`` and ``size`` are its
    predicted score and size; all three are None where ``error`` says why the answer could not be used. ``before`` is
    the score that it had to beat.
    """

    iteration: int
    attempt: int
    graph: str
    text: str
    model: str
    before: float
    edits: tuple[Edit, ...] = ()
    explanation: str = ""
    description: str = ""
    score: float | None = None
    size: Size | None = None
    network: Module | None = None
    error: str = ""
    accepted: bool = False

    @property
    def params(self) -> int | None:
        """Trained parameters of the network that came out."""
        return self.size.params if self.size else None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of the network that came out, for one sample."""
        return self.size.macs if self.size else None

    @property
    def summary(self) -> str:
        """The step as one line for people."""
        if self.score is None:
            what = self.error.strip().splitlines()[0] if self.error.strip() else "no usable answer"
            return f"{self.description or 'answer'}: not usable ({one_line(what)})"
        verdict = "better" if self.accepted else "not better"
        return f"{self.description}: {self.before:.4f} -> {self.score:.4f}, {verdict}"


@dataclass(frozen=True)
class RewriteResult:
    """The best network found, and the way there.

    ``start`` is the model as it was rewritten (outlined), ``baseline`` and ``score`` the predicted scores of
    it and of ``best``; NaN where the rewrite was interrupted before there was one. ``stopped`` is
    ``threshold``, ``iterations``, ``interrupted``, ``nothing to edit`` or ``llm``, where ``error`` says what
    was wrong with it.
    """

    best: Module
    start: Module
    baseline: float
    score: float
    threshold: float
    steps: tuple[Step, ...]
    stopped: str
    before: Size | None = None
    after: Size | None = None
    error: LLMError | None = None

    @property
    def improved(self) -> bool:
        """Whether a better network was found."""
        return self.score > self.baseline

    @property
    def accepted(self) -> tuple[Step, ...]:
        """The steps that lead from the start to the best network."""
        return tuple(step for step in self.steps if step.accepted)


def header(result: RewriteResult, source: str = "") -> list[str]:
    """Return the lines that emitted code begins with: source, predicted scores, edits and reasons."""
    origin = source or str(result.start.notes.get("source", "")) or f"@{result.start.entry}"
    lines = [f"Rewritten by nasc from {one_line(origin)}"]
    if not result.improved:
        return [*lines, f"no better network was found; predicted score {_number(result.baseline)}"]
    gain = result.score - result.baseline
    lines.append(f"predicted score {result.baseline:.4f} -> {result.score:.4f} ({gain:+.4f})")
    if result.before and result.after:
        lines.append(f"parameters {_change(result.before.params, result.after.params)}")
        lines.append(f"multiply-accumulates {_change(result.before.macs, result.after.macs)}")
    for step in result.accepted:
        lines.append(f"edits by {one_line(step.model)}: {one_line(step.description)}")
        lines += [f"    {one_line(edit_line(edit))}" for edit in step.edits]
        if step.explanation:
            lines.append(f"    its reason: {one_line(step.explanation)}")
    return lines


def one_line(text: str) -> str:
    """Return text as one printable line of bounded length."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _WIDTH * 3 else f"{plain[: _WIDTH * 3 - 3]}..."


def _change(before: int, after: int) -> str:
    return f"{show_count(before)} -> {show_count(after)} ({percent(before, after)})"


def _number(score: float) -> str:
    return "unknown" if math.isnan(score) else f"{score:.4f}"
