"""Relevance for the report: of the networks that matter most, unless their nodes carry it already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...ir import Module, NascError
from ...passes import Relevance
from ..engine import Trial
from .curves import evaluated, improvements
from .front import front

Annotate = Callable[[Module], Module]
"""Returns a module with the relevance of its layers as notes."""


def by_predictor() -> Annotate:
    """Return what measures relevance with the shipped predictor."""
    from ...predictor import Predictor

    return Relevance(score=Predictor.load().score_masked)


def noted(module: Module) -> bool:
    """Return whether some node of a module says how relevant it is."""
    return any("relevance" in node.notes for graph in module.graphs for node in graph.nodes)


def with_relevance(trials: Sequence[Trial], annotate: Annotate | None, most: int) -> Mapping[int, Module]:
    """Return the networks of trials by number; the ``most`` that matter get relevance, if they have none."""
    modules = {trial.number: trial.module for trial in trials if trial.module is not None}
    if annotate is not None:
        for number in chosen(trials, most):
            module = modules[number]
            if not noted(module):
                modules[number] = _annotated(module, annotate)
    return modules


def _annotated(module: Module, annotate: Annotate) -> Module:
    try:
        return annotate(module)
    except NascError:
        return module


def chosen(trials: Sequence[Trial], most: int) -> list[int]:
    """Return the numbers of the trials that matter, at most so many.

    First those that improved the best score and those on the front, the best first; then the others by their score;
    each followed by its parents.
    """
    known = {trial.number: trial for trial in trials if trial.module is not None}
    first = [step.trial for step in improvements(trials)] + front(trials, "params")
    by_score = sorted(evaluated(trials), key=lambda trial: (-(trial.score or 0.0), trial.number))
    rank = {trial.number: index for index, trial in enumerate(by_score)}
    ordered = sorted(first, key=lambda trial: rank[trial.number]) + by_score
    numbers = [number for trial in ordered for number in (trial.number, *trial.parents) if number in known]
    return list(dict.fromkeys(numbers))[:most]
