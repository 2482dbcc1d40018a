"""Evaluation on the machines of a Ray cluster.

Each worker is an actor with a CPU of its own, which keeps its evaluators in sandboxes like any local worker. When a
worker or its machine is lost, what it worked on is given back and tried again elsewhere, and another actor is asked
for: it joins when the cluster has room.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from typing import Any, Final

from ...ir import NascError

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError:
    raise NascError.of("Ray is not installed", "pip install 'nasc[cluster]'", "no-library") from None

from ..evaluators import Outcome
from ..store.work import Task
from .pool import Bench, Done, Rows

LOCAL: Final = "local"
"""The address that starts a cluster of this machine alone."""
_PATIENCE = 5.0
"""Seconds for which a cluster may let a connection wait."""
_ROOM = 300.0
"""Seconds for which a cluster may have no room for any worker."""


class Worker:
    """The actor: a bench whose refusals travel as values, since errors with diagnostics do not pickle."""

    def __init__(self, seconds: float, gib: float) -> None:
        """Start nothing before the first task."""
        self._bench = Bench(seconds, gib)

    def open(self, specs: Sequence[str]) -> tuple[str, str] | None:
        """Start evaluators; return why one cannot be opened, as message and hint."""
        return _refusal(lambda: self._bench.open(specs))[1]

    def evaluate(self, task: Task) -> tuple[Outcome | None, tuple[str, str] | None]:
        """Return the outcome of a task, or why it cannot be evaluated here."""
        return _refusal(lambda: self._bench.evaluate(task))

    def rank(self, spec: str, rows: Rows) -> tuple[Sequence[float] | None, tuple[str, str] | None]:
        """Return the scores of a set."""
        return _refusal(lambda: self._bench.rank(spec, rows))


def _refusal(call: Any) -> tuple[Any, tuple[str, str] | None]:
    try:
        return call(), None
    except NascError as error:
        first = error.diagnostics[0]
        return None, (first.message, first.hint)


class RayPool:
    """Workers on a cluster: ``size`` of them, by default as many as it has CPUs.

    ``address`` is the cluster's, ``auto`` the one that this machine is part of, ``local`` a new one of this machine.
    Raises NascError where there is none.
    """

    def __init__(self, address: str, size: int | None, seconds: float, gib: float) -> None:
        """Connect, and ask for the workers."""
        self._joined = _connect(address)
        self._actor: Any = ray.remote(num_cpus=1, max_restarts=0)(Worker)
        self._limits = (seconds, gib)
        resources: Any = ray.cluster_resources
        wanted = size or max(1, int(resources().get("CPU", 1)))
        self._chances = self._left = 2 * wanted + 1
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._flying: dict[Any, tuple[Any, Task]] = {}
        for _ in range(wanted):
            self._start()

    @property
    def size(self) -> int:
        """How many workers there are now; those that are still to join are not counted."""
        self._welcome(0.0)
        return len(self._idle) + len(self._flying)

    def prepare(self, specs: Sequence[str]) -> None:
        """Open evaluators at the first worker that is there. Raises NascError where one cannot be opened."""
        _taken((None, ray.get(self._first().open.remote(tuple(specs)))))

    def submit(self, task: Task) -> None:
        """Begin a task at a worker that is idle."""
        actor = self._idle.pop()
        self._flying[actor.evaluate.remote(task)] = (actor, task)

    def collect(self, seconds: float) -> list[Done]:
        """Return tasks that are over, waiting for the first of them; one whose worker was lost has no outcome."""
        ready, _ = ray.wait(list(self._flying), num_returns=1, timeout=seconds)
        more, _ = ray.wait(list(self._flying), num_returns=len(self._flying), timeout=0)
        return [self._done(reference) for reference in dict.fromkeys([*ready, *more])]

    def rank(self, spec: str, rows: Rows) -> Sequence[float] | None:
        """Return the scores of a set, None where scores stand alone."""
        found: Sequence[float] | None = _taken(ray.get(self._first().rank.remote(spec, rows)))
        return found

    def close(self) -> None:
        """End the workers, and leave the cluster."""
        for actor in [*self._idle, *self._starting.values(), *(actor for actor, _ in self._flying.values())]:
            ray.kill(actor)
        self._idle, self._starting, self._flying = [], {}, {}
        if self._joined:
            ray.shutdown()

    def _done(self, reference: Any) -> Done:
        actor, task = self._flying.pop(reference)
        try:
            outcome: Outcome = _taken(ray.get(reference))
        except RayTaskError:
            self._idle.append(actor)
            raise
        except RayError as error:
            self._start()
            return Done(task, None, str(error).strip().splitlines()[0])
        self._idle.append(actor)
        return Done(task, outcome)

    def _start(self) -> None:
        actor: Any = self._actor.remote(*self._limits)
        self._starting[actor.open.remote(())] = actor

    def _first(self) -> Any:
        """Return an idle worker, waiting for the first one to join. Raises NascError where none does."""
        end = time.monotonic() + _ROOM
        while not self._idle:
            if time.monotonic() > end:
                hint = "`ray status` says which CPUs are free, and what takes them"
                raise NascError.of(f"--ray: no worker has joined within {_ROOM:g} s", hint, "ray")
            self._welcome(1.0)
        return self._idle[0]

    def _welcome(self, seconds: float) -> None:
        """Take on the workers that have joined, and ask anew for those that were lost before they did.

        Raises NascError where one after the other is.
        """
        if not self._starting:
            return
        ready, _ = ray.wait(list(self._starting), num_returns=len(self._starting), timeout=seconds)
        for reference in ready:
            actor = self._starting.pop(reference)
            try:
                ray.get(reference)
            except RayError as error:
                self._left -= 1
                if not self._left:
                    hint = "install nasc on all machines of the cluster, as it is here"
                    raise NascError.of(f"--ray: no worker starts: {_last_line(error)}", hint, "ray") from None
                self._start()
            else:
                self._left = self._chances
                self._idle.append(actor)


def _last_line(error: Exception) -> str:
    """Return what an error that came from a worker says in the end: what is above is its traceback."""
    return str(error).strip().splitlines()[-1].strip()


def _taken(reply: tuple[Any, tuple[str, str] | None]) -> Any:
    """Return what a worker replied. Raises NascError where it refused."""
    value, refusal = reply
    if refusal is not None:
        raise NascError.of(refusal[0], refusal[1], "evaluator")
    return value


def _knock(address: str) -> None:
    """Find out whether anything is at HOST:PORT, for which Ray itself takes minutes. Raises OSError."""
    host, _, port = address.rpartition(":")
    if port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), _PATIENCE).close()


def _connect(address: str) -> bool:
    """Join a cluster; return whether this process was in none before. Raises NascError where there is none."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        _knock(address)
        if address == LOCAL:
            ray.init(include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        hint = "expected auto, HOST:PORT of a cluster's head, or local for a cluster of this machine"
        raise NascError.of(f"--ray {address}: {str(error).strip().splitlines()[0]}", hint, "ray") from None
    return True
