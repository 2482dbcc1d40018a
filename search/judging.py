"""Judging networks: from edits to a legal network within its limits, and to its predicted score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..ir import Diagnostic, Module, NascError, Types, checked, did_you_mean
from ..ir.graph import Notes
from ..passes import Canonicalize
from .application import apply_edits
from .edit_grammar import kinds_of
from .edits import Edit
from .limits import Limits, Size

Interface = tuple[Types, Types]
"""The types of the inputs and of the outputs of a network."""


class Predicted(Protocol):
    """A predicted score."""

    @property
    def score(self) -> float:
        """The predicted accuracy, higher is better."""
        ...


class Scorer(Protocol):
    """What a rewrite needs of the predictor."""

    def predict(self, modules: Sequence[Module]) -> Sequence[Predicted]:
        """Return one prediction a module."""
        ...

    def score_masked(self, module: Module, masks: Sequence[frozenset[str]]) -> Sequence[float]:
        """Return the score of a flat module with each set of nodes masked."""
        ...

    def threshold(self, baseline: float) -> float:
        """Return the score at which a rewrite of a model with this score has done enough."""
        ...


def prepared(module: Module) -> Module:
    """Return a module as it is edited: checked, canonical but fit to train, repeated blocks factored out."""
    from ..passes import Outline

    return checked(Outline()(Canonicalize(train=True)(checked(module))))


def annotated(module: Module, scorer: Scorer) -> Module:
    """Return a module with the relevance of every layer noted at its nodes."""
    from ..passes import Relevance

    return Relevance(score=scorer.score_masked)(module)


@dataclass(frozen=True)
class Judge:
    """Holds networks to the interface, the limits and, where ``kinds`` is given, the ops of the model."""

    scorer: Scorer
    start: Module
    limits: Limits
    kinds: frozenset[str] | None = None

    def candidate(self, module: Module, edits: Sequence[Edit], notes: Notes) -> tuple[Module, Size]:
        """Return the module with the edits, repaired, and its size. Raises NascError, worded for the LLM."""
        from ..passes import Legalize

        edited = checked(Legalize(before=module)(apply_edits(module, edits, notes)))
        check_interface(edited, interface_of(self.start))
        if self.kinds is not None:
            check_kinds(edited, self.kinds)
        return edited, self.limits.check(edited)

    def score(self, module: Module) -> float:
        """Return the predicted score of a module."""
        return float(self.scorer.predict([module])[0].score)


def interface_of(module: Module) -> Interface:
    """Return the types that a checked module takes and gives."""
    return tuple(value.type for value in module.main.inputs), module.main.output_types


def check_interface(module: Module, wanted: Interface) -> None:
    """Check that a checked module takes and gives what it should. Raises NascError."""
    for side, before, after in zip(("inputs", "outputs"), wanted, interface_of(module), strict=True):
        if before != after:
            raise NascError.of(f"the network has the {side} {_list(after)}", f"expected {_list(before)}", "interface")


def check_kinds(module: Module, allowed: frozenset[str]) -> None:
    """Check that a module has no ops but those of the model. Raises NascError with every other one."""
    new = sorted(kinds_of(module) - allowed)
    if new:
        found = (Diagnostic(f"{op} is no operation of this model", did_you_mean(op, allowed), "new-op") for op in new)
        raise NascError(*found)


def _list(types: Types) -> str:
    return ", ".join(map(str, types))
