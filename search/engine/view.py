"""What a strategy sees of a study when a round is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from ...ir import Module
from ..llm import Answer, Client, Prompt
from .admission import Admission, fingerprint
from .memory import RoundMemory
from .pareto import front
from .space import Space
from .trial import Trial

if TYPE_CHECKING:
    from ..store.answers import Recorded


@dataclass
class RoundView:
    """The view of one round; see ``strategy.View``."""

    space: Space
    round: int
    wanted: int
    left: int
    rng: Random
    trials: Sequence[Trial]
    llm: Recorded
    memory: RoundMemory
    objectives: Sequence[str]
    admission: Admission
    _first: dict[str, Trial] = field(default_factory=dict[str, Trial])

    def __post_init__(self) -> None:
        """Index the trials by their networks."""
        for trial in self.trials:
            if trial.digest and trial.repeat_of is None:
                self._first[trial.digest] = trial

    def beside(self, client: Client, prompt: Prompt) -> Answer:
        """Return what another client answers. Raises LLMError."""
        return self.llm.beside(client, prompt)

    def admit(self, module: Module) -> Module:
        """Return a module as it would be evaluated. Raises NascError."""
        return self.admission.admit(module)

    def known(self, module: Module) -> Trial | None:
        """Return the trial of an earlier round that is the same network, or None."""
        return self.first(fingerprint(module))

    def first(self, digest: str) -> Trial | None:
        """Return the trial of an earlier round that had a network first."""
        return self._first.get(digest)

    def front(self) -> Sequence[Trial]:
        """Return the Pareto front of the study's objectives, the least crowded first."""
        return front(self.trials, self.objectives)
