"""A study that goes on: rounds are asked, trials handed out and their outcomes kept.

A round is a function of the seed, its number, the trials of earlier rounds, the memory and the recorded answers of the
LLM. It is kept in one transaction, then its trials are evaluated in any order by whoever has time; the next round is
asked when all of them are over. So a study killed at any moment goes on where it was, and two processes may share it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Literal, Self

from ..evaluators import Cascade, Outcome, parse_cascade, passing
from ..limits import MOST_MACS, MOST_PARAMS, Limits
from ..llm import Client, Price, open_client
from ..store.answers import Recorded
from ..store.leases import LIFE, Leases
from ..store.study import StoredStudy
from ..store.work import Plan, State, Task, Work
from .admission import Admission
from .drafts import drafts
from .memory import RoundMemory
from .pareto import front
from .space import Space
from .strategy import Strategy
from .trial import Trial, best_of
from .view import RoundView

MOST_PROPOSALS = 20
"""A search ends when it has proposed this many times as many networks as its first stage was to look at."""
MOST_BARREN = 40
"""A search ends when none of this many proposals could be evaluated: nothing fits what is allowed."""
_LOSSES = 3
"""How many workers a trial may lose before it counts as the reason."""

Ranker = Callable[[str, Sequence[Mapping[str, float]]], Sequence[float] | None]
Reason = Literal["", "trials", "method", "repeats"]


class Study:
    """A study in its store, with the space, the strategy and the LLM that it goes on with.

    ``client`` answers in the place of the LLM of the settings. ``price`` is what the user pays for tokens, ``life`` the
    seconds for which this process is believed to be alive without a sign; ``retried`` counts the tasks of lost workers
    that were given back. Use as a context manager, or call :meth:`close`.
    """

    def __init__(
        self,
        stored: StoredStudy,
        space: Space,
        strategy: Strategy,
        client: Client | None = None,
        price: Price | None = None,
        life: float = LIFE,
    ) -> None:
        """Go on with a study. Raises NascError where its evaluator is none."""
        self.stored, self.space, self.strategy = stored, space, strategy
        self.settings = stored.settings
        self.client = client or open_client(self.settings.llm)
        self.cascade: Cascade = parse_cascade(self.settings.evaluator)
        self.leases = Leases(stored.database, stored.id, life)
        settings = self.settings
        most = MOST_PARAMS if settings.max_params is None else settings.max_params
        limits = Limits(most, MOST_MACS if settings.max_macs is None else settings.max_macs)
        self._admission = Admission(space, limits, frozenset({*settings.ops, "call"} if settings.ops else ()))
        self._price = price
        measures = ("latency",) if "latency" in settings.objectives else ()
        plan = Plan(tuple(stage.spec for stage in self.cascade.stages), measures, settings.seed)
        self.work = Work(stored.database, stored.id, self.leases, plan)
        self._losses: dict[int, int] = {}
        self.retried = 0

    def __enter__(self) -> Self:
        """Return the study."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give back what this process holds."""
        self.close()

    def close(self) -> None:
        """Give back what this process holds; the study stays as it is."""
        self.leases.close()
        self.work.forget()

    def state(self) -> State:
        """Return how far the study is."""
        return self.work.state()

    def over(self, state: State | None = None) -> Reason:
        """Return why the study is over, or nothing: ``trials``, ``method`` (nothing left), ``repeats`` (too many)."""
        state = state or self.state()
        if state.open:
            return ""
        if state.evaluated >= state.wanted:
            return "trials"
        if state.last == 0:
            return "method"
        barren = state.evaluated == 0 and state.proposals >= MOST_BARREN
        return "repeats" if barren or state.proposals >= MOST_PROPOSALS * state.wanted * self._share else ""

    def ask(self, limit: int | None = None, pause: float = 0.2) -> list[Trial]:
        """Return trials to evaluate, now this process's to :meth:`tell`; none once the study is over.

        Asks a new round where the last one is over; waits where all trials of it are with other processes.
        """
        while True:
            tasks = self.work.claim(limit)
            if tasks:
                trials = self.stored.trials()
                return [trials[task.number] for task in tasks]
            state = self.state()
            if self.over(state):
                return []
            if not self.advance(state):
                time.sleep(pause)

    def tell(
        self, number: int, metrics: Mapping[str, float] | None = None, error: str = "", seconds: float = 0.0
    ) -> bool:
        """Keep what became of a trial: metrics with a ``score``, or the error. Seconds are what it took.

        Returns whether that is the trial's first outcome: others do not count. Metrics that are no numbers are left
        out; without a score the trial has failed. Raises NascError where there is no such trial, or no network in it.
        """
        outcome = Outcome("failed" if error else "done", metrics or {}, error, seconds)
        return self.work.settle(self.work.task(number), outcome.sound())

    def lost(self, task: Task, why: str) -> bool:
        """Give back a task whose worker died, for another try; return whether there is one."""
        self._losses[task.number] = self._losses.get(task.number, 0) + 1
        if self._losses[task.number] < _LOSSES:
            self.work.release(task)
            self.retried += 1
            return True
        self.work.settle(task, Outcome("failed", {}, f"{_LOSSES} workers died over it: {why}"))
        return False

    def advance(self, state: State | None = None, rank: Ranker | None = None) -> bool:
        """Make what the study needs to go on, the next stage or the next round; return whether it did.

        ``rank`` scores a set of networks by their metrics, for evaluators that only compare. Raises LLMError and
        NascError where the strategy cannot go on; the round is then asked again another time.
        """
        state = state or self.state()
        if state.open:
            return state.waiting == state.open and self._promote(rank)
        return not self.over(state) and self._propose(state)

    def trials(self) -> tuple[Trial, ...]:
        """Return all trials."""
        return self.stored.trials()

    def best(self, trials: Sequence[Trial] | None = None) -> Trial | None:
        """Return the trial with the highest score, of equals the first; None where none was evaluated."""
        return best_of(self.trials() if trials is None else trials)

    def front(self, trials: Sequence[Trial] | None = None) -> tuple[Trial, ...]:
        """Return the Pareto front of the objectives, the least crowded first."""
        return front(self.trials() if trials is None else trials, self.settings.objectives)

    def _promote(self, rank: Ranker | None) -> bool:
        """Let the best of the trials that wait go on to the next stage."""
        waiting = self.work.waiting()
        if not waiting:
            return False
        stage = min(stage for _, stage, _ in waiting)
        there = [(number, metrics) for number, at, metrics in waiting if at == stage]
        spec = self.cascade.stages[stage]
        ranks = rank(spec.spec, [metrics for _, metrics in there]) if rank else None
        scores = [metrics["score"] for _, metrics in there] if ranks is None else ranks
        numbers = [number for number, _ in there]
        chosen = [numbers[place] for place in passing(scores, spec.divisor)]
        self.work.promote(stage, numbers, chosen)
        return True

    def _propose(self, state: State) -> bool:
        """Ask a round and keep it; return False where another process has that right, or was faster."""
        if not self.work.reserve(state.rounds):
            return False
        try:
            view = self._view(state)
            found = drafts(view, self.strategy.ask(view), view.left)
            return self.work.keep(state.rounds, self._seed(state.rounds), found, view.memory)
        finally:
            self._admission.forget()
            self.work.stop_asking()

    def _view(self, state: State) -> RoundView:
        left = state.wanted - state.evaluated
        stored, turn = self.stored, state.rounds
        return RoundView(
            space=self.space,
            round=turn,
            wanted=min(self.settings.batch, left) * self._share,
            left=left * self._share,
            rng=Random(self._seed(turn)),
            trials=stored.trials(),
            llm=Recorded(self.client, stored.database, stored.id, turn, self._price),
            memory=RoundMemory(stored),
            objectives=self.settings.objectives,
            admission=self._admission,
        )

    @property
    def _share(self) -> int:
        """How many proposals there are to one that all stages of the cascade let pass."""
        return math.prod(stage.divisor for stage in self.cascade.stages)

    def _seed(self, turn: int) -> str:
        return f"{self.settings.seed} {turn}"
