"""Calls that are tried again with growing, jittered pauses, and calls that are given up after a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Never, TypeVar

from .errors import LLMError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call: the error to raise in the end, whether to try again, and how long to wait."""

    error: LLMError
    transient: bool
    retry_after: float | None = None


class CallError(Exception):
    """Carries a Failure out of a call that may be tried again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


@dataclass(frozen=True)
class Retry:
    """How often and how patiently: the n-th pause is ``first * 2**n`` seconds, halved at most by jitter.

    A pause that the server asks for is kept instead, unless it is longer than ``longest``: then the error is
    raised at once. ``sleep`` waits, and is an argument so that waiting can be watched.
    """

    tries: int = 4
    first: float = 0.5
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, call: Callable[[], Result], on_event: Callable[[str], None]) -> Result:
        """Return what ``call`` returns; raises the LLMError of the last CallError."""
        jitter = Random()
        for turn in range(1, self.tries + 1):
            try:
                return call()
            except CallError as failed:
                failure = failed.failure
                if not failure.transient or turn == self.tries:
                    raise failure.error from failed.__cause__
                pause = self._pause(failure, turn, jitter)
                message = failure.error.diagnostics[0].message
                on_event(f"{message}; try {turn + 1} of {self.tries} in {pause:.1f} s")
                self.sleep(pause)
        raise AssertionError("a retry has at least one try")

    def _pause(self, failure: Failure, turn: int, jitter: Random) -> float:
        if failure.retry_after is None:
            return min(self.longest, self.first * 2.0 ** (turn - 1)) * jitter.uniform(0.5, 1.0)
        if failure.retry_after > self.longest:
            raise failure.error
        return failure.retry_after


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return what ``call`` returns; raises TimeoutError after ``seconds``, whatever the call does.

    A time-out between two packets does not end a server that sends a byte a minute, nor a name that never
    resolves. The call runs in a daemon thread, which is left behind when the time is over.
    """
    outcome: queue.SimpleQueue[Callable[[], Result]] = queue.SimpleQueue()

    def work() -> None:
        try:
            result = call()
        except BaseException as error:
            outcome.put(partial(_raise, error))
        else:
            outcome.put(lambda: result)

    threading.Thread(target=work, daemon=True).start()
    try:
        finish = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    return finish()


def _raise(error: BaseException) -> Never:
    raise error
