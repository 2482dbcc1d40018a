"""Networks that a study has not seen: drawn again and again until one is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...ir import Module, NascError, digest
from ..engine import Change, Proposal, Trial, View

Intent = Callable[[Module], str]
"""What of a change that was asked for is missing in a network; empty where nothing is."""
_DRAWS = 12
_NEAR = 4
_FAR = 10

LIMIT = "limit"
"""The code of the error of a network that is too large at every width."""
UNINTENDED = "intent"
"""The code of the error of a change that is not the one that was asked for."""


def check(module: Module, intent: Intent) -> None:
    """Raise NascError where something of what was asked for is missing in a network."""
    if missing := intent(module):
        raise NascError.of("the change is not the one that was asked for", missing, UNINTENDED)


class Drawing:
    """The proposals of one round as they are made: what is new is told from what the study or the round has.

    Where nothing new comes within a dozen draws the last network is proposed all the same: the engine counts it as
    a repeat. A draw that makes no network of the space at all becomes a proposal with the error. ``asked`` are the
    digests of the prompts that the LLM was sent for the next proposal.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.seen: set[str] = set()
        self.asked: list[str] = []

    def knows(self, module: Module) -> bool:
        """Return whether an admitted network is one of the round or of earlier rounds."""
        return digest(module) in self.seen or self.view.known(module) is not None

    def take(self, module: Module | None) -> None:
        """Count an admitted network among those of the round."""
        if module is not None:
            self.seen.add(digest(module))

    def mutation(self, parent: Trial) -> Proposal:
        """Return a mutation of a trial."""
        assert parent.module is not None
        return self.mutated(parent.module, (parent,))

    def mutated(self, module: Module, parents: Sequence[Trial] = (), intent: Intent | None = None) -> Proposal:
        """Return a mutation of a network; where all near it are known, one of several steps, at last a sample.

        With ``intent`` of those drawn the first in which nothing is missing; where something is in all, any.
        """
        space, rng = self.view.space, self.view.rng

        def draw(attempt: int) -> Change:
            if attempt >= _FAR:
                return space.sample(rng)
            change = space.mutate(module, rng)
            for _ in range(attempt // _NEAR):
                further = space.mutate(change.module, rng)
                change = Change(further.module, f"{change.text.rstrip()}\n{further.text}")
            return change

        def intended(attempt: int) -> Change:
            change = draw(attempt)
            if intent is not None:
                check(change.module, intent)
            return change

        found = self.propose(intended, "mutation", parents)
        return found if found.module is not None or intent is None else self.propose(draw, "mutation", parents)

    def sample(self) -> Proposal:
        """Return a sample of the space."""
        return self.propose(lambda _: self.view.space.sample(self.view.rng), "sample")

    def propose(self, draw: Callable[[int], Change], operator: str, parents: Sequence[Trial] = ()) -> Proposal:
        """Return a proposal of the first new network that ``draw``, given the number of the attempt, makes."""
        proposal = Proposal(None, tuple(trial.number for trial in parents), operator, error="nothing was drawn")
        for attempt in range(_DRAWS):
            try:
                change = draw(attempt)
                admitted = self.view.admit(change.module)
                proposal = replace(proposal, module=admitted, change=change.text, error="", over=False)
            except NascError as error:
                if proposal.module is None:
                    proposal = replace(proposal, error=str(error), over=too_large(error))
                continue
            if not self.knows(admitted):
                break
        self.take(proposal.module)
        return proposal

    def opening(self, count: int) -> list[Proposal]:
        """Return the first proposals of a search: the space's starts, then samples up to ``count`` in all."""
        view = self.view
        starts = view.space.starts() if not view.trials else ()
        found = [self.propose(partial(_unchanged, start), "start") for start in starts]
        return found + [self.sample() for _ in range(count - len(found))]


def too_large(error: NascError) -> bool:
    """Return whether all that is wrong with a network is its size."""
    return error.diagnostics[0].code == LIMIT


def _unchanged(module: Module, _: int) -> Change:
    return Change(module, "")
