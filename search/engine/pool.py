"""Pools: where trials are evaluated; in processes of this machine, or in this very process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Protocol

from ...grammar import parse
from ...ir import NascError, checked
from ..evaluators import Evaluator, Outcome, Sandbox
from ..store.work import Task

Rows = Sequence[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is over: with an outcome, or without one because its worker was lost, and ``why``."""

    task: Task
    outcome: Outcome | None
    why: str = ""


class Pool(Protocol):
    """Workers that evaluate tasks."""

    @property
    def size(self) -> int:
        """How many tasks are worked on at a time."""
        ...

    def prepare(self, specs: Sequence[str]) -> None:
        """Open evaluators before there is work. Raises NascError where one is none, or what it needs is missing."""
        ...

    def submit(self, task: Task) -> None:
        """Begin a task."""
        ...

    def collect(self, seconds: float) -> list[Done]:
        """Return tasks that are over, waiting for the first of them. Raises NascError where none can be evaluated."""
        ...

    def rank(self, spec: str, rows: Rows) -> Sequence[float] | None:
        """Return the scores of a set by an evaluator that only compares; None where its scores stand alone."""
        ...

    def close(self) -> None:
        """End all work."""
        ...


class Bench:
    """One worker's sandboxes, by evaluator. Not for use by several threads at once."""

    def __init__(self, seconds: float, gib: float) -> None:
        """Bound every evaluation by time and memory."""
        self._seconds, self._gib = seconds, gib
        self._sandboxes: dict[str, Sandbox] = {}

    def open(self, specs: Sequence[str]) -> None:
        """Start the processes of evaluators. Raises NascError where one cannot be opened."""
        for spec in specs:
            _ = self._sandbox(spec).name

    def evaluate(self, task: Task) -> Outcome:
        """Return the outcome of a task, with what else is to be measured of a network that is done."""
        return _measured(task, lambda spec: self._sandbox(spec).evaluate(task.text, task.seed))

    def rank(self, spec: str, rows: Rows) -> Sequence[float] | None:
        """Return the scores of a set, None where scores stand alone."""
        return self._sandbox(spec).rank(rows)

    def close(self) -> None:
        """End all processes."""
        for sandbox in self._sandboxes.values():
            sandbox.close()

    def _sandbox(self, spec: str) -> Sandbox:
        if spec not in self._sandboxes:
            self._sandboxes[spec] = Sandbox(spec, self._seconds, self._gib)
        return self._sandboxes[spec]


def _measured(task: Task, evaluate: Callable[[str], Outcome]) -> Outcome:
    """Return the outcome of a task by its evaluator, and by what else is to be measured of a network that is done."""
    outcome = evaluate(task.evaluator)
    for name in task.measures if outcome.status == "done" else ():
        found = evaluate(name)
        seconds = outcome.seconds + found.seconds
        if found.status != "done":
            return replace(found, seconds=seconds)
        outcome = replace(outcome, metrics={**outcome.metrics, name: found.metrics[name]}, seconds=seconds)
    return outcome


class LocalPool:
    """``size`` workers on this machine, each evaluator in a process of its own with limits of time and memory.

    What is over comes through a queue: an interrupt within ``concurrent.futures.wait`` can leave a future locked, for
    which its worker, and the end of this process, would wait for ever.
    """

    def __init__(self, size: int, seconds: float, gib: float) -> None:
        """Start no process before the first task."""
        self.size = size
        self._threads = ThreadPoolExecutor(size, "nasc evaluation")
        self._own = threading.local()
        self._benches: list[Bench] = []
        self._make: Callable[[], Bench] = lambda: Bench(seconds, gib)
        self._over: SimpleQueue[tuple[Task, Future[Outcome]]] = SimpleQueue()

    def prepare(self, specs: Sequence[str]) -> None:
        """Start the evaluators of one worker. Raises NascError where one cannot be opened."""
        self._threads.submit(lambda: self._bench().open(specs)).result()

    def submit(self, task: Task) -> None:
        """Begin a task."""
        future = self._threads.submit(lambda: self._bench().evaluate(task))
        future.add_done_callback(lambda over: self._over.put((task, over)))

    def collect(self, seconds: float) -> list[Done]:
        """Return tasks that are over, waiting for the first of them."""
        found: list[tuple[Task, Future[Outcome]]] = []
        with suppress(Empty):
            found.append(self._over.get(timeout=seconds))
            while True:
                found.append(self._over.get_nowait())
        return [Done(task, future.result()) for task, future in found]

    def rank(self, spec: str, rows: Rows) -> Sequence[float] | None:
        """Return the scores of a set, None where scores stand alone."""
        return self._threads.submit(lambda: self._bench().rank(spec, rows)).result()

    def close(self) -> None:
        """End all processes; what was not over is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for bench in self._benches:
            bench.close()

    def _bench(self) -> Bench:
        found: Bench | None = getattr(self._own, "bench", None)
        if found is None:
            found = self._own.bench = self._make()
            self._benches.append(found)
        return found


class DirectPool:
    """One worker in this process, without limits: for evaluators that cannot hang, such as tables, and for tests."""

    size = 1

    def __init__(self, evaluators: Mapping[str, Evaluator] | None = None) -> None:
        """Take evaluators by the names that the study has for them; others are opened."""
        self._evaluators = dict(evaluators or {})
        self._over: list[Done] = []

    def prepare(self, specs: Sequence[str]) -> None:
        """Open evaluators. Raises NascError where one cannot be opened."""
        for spec in specs:
            self._evaluator(spec)

    def submit(self, task: Task) -> None:
        """Evaluate a task."""
        module = checked(parse(task.text))
        try:
            outcome = _measured(task, lambda spec: self._evaluator(spec).evaluate(module, task.seed).sound())
        except NascError as error:
            outcome = Outcome("failed", {}, str(error))
        self._over.append(Done(task, outcome))

    def collect(self, seconds: float) -> list[Done]:
        """Return the tasks that are over; never waits."""
        over, self._over = self._over, []
        return over

    def rank(self, spec: str, rows: Rows) -> Sequence[float] | None:
        """Return the scores of a set, None where scores stand alone."""
        rank: Callable[[Rows], Sequence[float]] | None = getattr(self._evaluator(spec), "rank", None)
        return None if rank is None else rank(rows)

    def close(self) -> None:
        """Do nothing: there is nothing to end."""

    def _evaluator(self, spec: str) -> Evaluator:
        from ..evaluators import open_evaluator

        if spec not in self._evaluators:
            self._evaluators[spec] = open_evaluator(spec)
        return self._evaluators[spec]
