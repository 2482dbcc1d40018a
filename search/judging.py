"""Judging networks: from edits to a legal network within its limits, and to its predicted score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..ir import Diagnostic, Module, NascError, checked, did_you_mean, digest
from ..ir.graph import Notes
from ..passes import Canonicalize
from .application import apply_edits
from .edit_grammar import kinds_of
from .edits import Edit
from .limits import Limits, Size


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
        self._check_interface(edited)
        self._check_kinds(edited)
        return edited, self.limits.check(edited)

    def score(self, module: Module) -> float:
        """Return the predicted score of a module."""
        return float(self.scorer.predict([module])[0].score)

    def _check_interface(self, module: Module) -> None:
        wanted = (tuple(i.type for i in self.start.main.inputs), self.start.main.output_types)
        given = (tuple(i.type for i in module.main.inputs), module.main.output_types)
        for side, before, after in zip(("inputs", "outputs"), wanted, given, strict=True):
            if before != after:
                shown = ", ".join(map(str, after))
                raise NascError.of(
                    f"the network now has the {side} {shown}",
                    f"expected {', '.join(map(str, before))}",
                    "interface",
                )

    def _check_kinds(self, module: Module) -> None:
        new = sorted(kinds_of(module) - self.kinds) if self.kinds is not None else []
        if new:
            raise NascError(
                *(
                    Diagnostic(
                        f"{name} is no operation of this model",
                        did_you_mean(name, self.kinds or ()),
                        "new-op",
                    )
                    for name in new
                )
            )


def fingerprint(module: Module) -> str:
    """Return what is equal for equal networks."""
    return digest(module)
