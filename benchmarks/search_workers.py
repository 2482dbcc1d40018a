"""Studies run one by one in this process, or several at once, each in a process of its own with one thread.

What goes wrong in one is told and stops no other. Nothing heavy is imported here: a process hears of Ctrl-C, or rather
stops hearing of it, before it imports what studies need.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Generic, TypeVar

from nasc.ir import NascError

Plan = TypeVar("Plan")
PATIENCE = 10.0
"""Seconds that a process has to end its evaluators before it is killed."""


@dataclass(frozen=True, slots=True)
class Over(Generic[Plan]):
    """A study that is over: what came of it, in words, and whether that is an error."""

    plan: Plan
    said: str
    failed: bool = False


def one_by_one(plans: Iterable[Plan], run: Callable[[Plan], str]) -> Generator[Over[Plan], None, None]:
    """Run studies in this very process."""
    for plan in plans:
        yield _over(plan, run)


def at_once(plans: Iterable[Plan], jobs: int, run: Callable[[Plan], str]) -> Generator[Over[Plan], None, None]:
    """Run up to ``jobs`` studies at a time; the next is taken when there is room for it.

    Each process gets its own ``run``, pickled. All are ended when the generator is closed, or an exception such as
    KeyboardInterrupt comes while it waits.
    """
    crew = _Crew(run)
    try:
        for plan in plans:
            crew.begin(plan)
            while len(crew.working) == jobs:
                yield from crew.finished()
        while crew.working:
            yield from crew.finished()
    finally:
        crew.close()


class _Crew(Generic[Plan]):
    """Processes, and pipes to them."""

    def __init__(self, run: Callable[[Plan], str]) -> None:
        self._run = run
        self._context = get_context("spawn")
        self._processes: dict[Connection, SpawnProcess] = {}
        self._free: list[Connection] = []
        self.working: dict[Connection, Plan] = {}

    def begin(self, plan: Plan) -> None:
        """Hand a study to a process that has none, else to a new one."""
        pipe = self._free.pop() if self._free else self._started()
        pipe.send(plan)
        self.working[pipe] = plan

    def finished(self) -> list[Over[Plan]]:
        """Wait for studies that are over."""
        return [self._collected(pipe) for pipe in wait(list(self.working)) if isinstance(pipe, Connection)]

    def close(self) -> None:
        """End all processes, at once."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join(PATIENCE)
            process.kill()

    def _started(self) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._run), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process
        return ours

    def _collected(self, pipe: Connection) -> Over[Plan]:
        plan = self.working.pop(pipe)
        try:
            over: Over[Plan] = pipe.recv()
        except (EOFError, OSError):
            process = self._processes.pop(pipe)
            process.join()
            return Over(plan, f"its process ended with code {process.exitcode}", failed=True)
        self._free.append(pipe)
        return over


def serve(pipe: Connection, run: Callable[[Plan], str]) -> None:
    """Run the studies that come through a pipe until it is closed. What a process is that :func:`at_once` starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; who started this process ends it
    signal.signal(signal.SIGTERM, _end)
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_over(pipe.recv(), run))


def _end(number: int, frame: FrameType | None) -> None:
    """Leave as an exception, so that evaluators, which are processes of their own, are ended too."""
    sys.exit(128 + number)


def _over(plan: Plan, run: Callable[[Plan], str]) -> Over[Plan]:
    try:
        return Over(plan, run(plan))
    except NascError as error:
        return Over(plan, str(error), failed=True)
    except Exception:
        return Over(plan, traceback.format_exc(), failed=True)
