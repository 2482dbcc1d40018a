"""Running a study: rounds are asked and evaluated until there is a reason to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ..llm import LLMError
from ..store.work import Task
from .pool import Done, Pool
from .study import Study

PAUSE = 0.2
"""Seconds between looks at what other processes do."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Why a run ended.

    ``trials``: all wanted evaluations are there; ``method``: the method has nothing more to propose; ``repeats``: it
    proposes little but repeats and what cannot be used; ``llm``: the LLM could not answer, and ``error`` says why.
    """

    reason: Literal["trials", "method", "repeats", "llm"]
    error: LLMError | None = None


@dataclass
class _Run:
    """A run in progress."""

    study: Study
    pool: Pool
    on_change: Callable[[], None]
    flying: set[Task] = field(default_factory=set[Task])

    def step(self) -> Finish | None:
        """Hand out, take in or ask; return why the study is over, or None."""
        room = self.pool.size - len(self.flying)
        for task in self.study.work.claim(room) if room else ():
            self.flying.add(task)
            self.pool.submit(task)
        if self.flying:
            for done in self.pool.collect(1.0):
                self.take(done)
            self.on_change()
            return None
        state = self.study.state()
        reason = self.study.over(state)
        if reason:
            return Finish(reason)
        went_on = self.study.advance(state, self.pool.rank)
        self.on_change()
        if not went_on:
            time.sleep(PAUSE)
        return None

    def take(self, done: Done) -> None:
        """Keep what came of a task."""
        self.flying.discard(done.task)
        if done.outcome is None:
            self.study.lost(done.task, done.why)
        else:
            self.study.work.settle(done.task, done.outcome)


def run(study: Study, pool: Pool, on_change: Callable[[], None] | None = None) -> Finish:
    """Ask and evaluate until the study is over; returns why. ``on_change`` is called whenever something happened.

    The pool is left open, the study's leases are given back. Raises NascError where the evaluator cannot be opened or
    the strategy cannot go on; whatever ends a run, KeyboardInterrupt too, leaves a study that another run goes on with.
    """
    work = _Run(study, pool, on_change or _nothing)
    try:
        while True:
            finish = work.step()
            if finish is not None:
                return finish
    except LLMError as error:
        return Finish("llm", error)
    finally:
        study.close()


def _nothing() -> None:
    """Hear nothing."""
