"""The sandbox: an evaluator in a process of its own, with a time limit and a memory limit."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ...ir import NascError
from .evaluator import Outcome

START_SECONDS = 300.0
"""How long the process may take to import what it needs and to read its tables."""
PATIENCE = 4.0
"""How many times its seconds an evaluation may take on the clock, where others keep the processor from it."""
_TAIL = 600
_LEAST = 0.05
_READY = ("R", "T")
"""States of a process that does not wait for anything of its own: it could run, or was stopped by somebody."""


class Sandbox:
    """A process that evaluates networks, started when it is first needed, again after it was killed.

    ``seconds`` bounds one evaluation, on the clock; where the process is ready to run but the machine busy, until it
    had as many of the processor, and at most four times as many on the clock (Linux only): what fails should not hang
    on what else runs. ``gib`` bounds the memory that evaluations may take beside what the process has
    after its start (Linux only). Networks go in as text, outcomes come back; both as lines of JSON over pipes. It runs
    on one thread, so that an outcome follows from the text and the seed. Not for use by several threads at once.
    """

    def __init__(self, spec: str, seconds: float = 600.0, gib: float = 8.0) -> None:
        self.spec = spec
        self.seconds = seconds
        self.gib = gib
        self._name = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._buffer = b""

    @property
    def name(self) -> str:
        """The evaluator's specification in full. Starts the process; raises NascError where it is none."""
        self._started()
        return self._name

    def evaluate(self, text: str, seed: int = 0) -> Outcome:
        """Return the outcome for a network in the text form; all that goes wrong with it is a ``failed`` outcome.

        Raises NascError where there is no such evaluator, or what it needs is missing.
        """
        return self._asked({"text": text, "seed": seed})

    def rank(self, rows: Sequence[Mapping[str, float]]) -> list[float] | None:
        """Return the scores of networks, given by their metrics, as ranks in their set; None where a score is
        absolute. Raises NascError as :meth:`evaluate` does.
        """  # noqa: D205
        outcome = self._asked({"rows": [dict(row) for row in rows]})
        if outcome.status == "failed":
            raise NascError.of(f"{self.spec} cannot rank: {outcome.error}", code="evaluator")
        return [outcome.metrics[str(place)] for place in range(len(rows))] if outcome.metrics else None

    def close(self) -> None:
        """End the process, and whatever it started."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def __enter__(self) -> Self:
        """Return the sandbox."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process."""
        self.close()

    def _asked(self, question: Mapping[str, object]) -> Outcome:
        process = self._started()
        start = time.monotonic()
        reply = self._exchange(process, question)
        took = time.monotonic() - start
        if reply is None:
            self.close()
            return Outcome("failed", {}, f"the evaluation took longer than {self.seconds:g} s", took)
        if not reply:
            return Outcome("failed", {}, self._post_mortem(process), took)
        return Outcome(reply["status"], reply["metrics"], reply["error"], took)

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the running process. Raises NascError where the evaluator cannot be opened."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._buffer = b""
        command = [sys.executable, "-m", f"{__package__}.serving", self.spec, str(self.gib)]
        own = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        process = self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **own},
            start_new_session=True,
        )
        ready = self._read(process, START_SECONDS)
        if ready is None:
            self.close()
            raise NascError.of(f"{self.spec} did not start within {START_SECONDS:g} s", code="evaluator")
        if not ready:
            raise NascError.of(f"{self.spec} did not start: {self._post_mortem(process)}", code="evaluator")
        if "refused" in ready:
            self.close()
            raise NascError.of(str(ready["refused"]["message"]), str(ready["refused"]["hint"]), "evaluator")
        self._name = str(ready["name"])
        return process

    def _exchange(self, process: subprocess.Popen[bytes], question: Mapping[str, object]) -> dict[str, Any] | None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return {}
        return self._read(process, self.seconds, PATIENCE)

    def _read(self, process: subprocess.Popen[bytes], seconds: float, patience: float = 1.0) -> dict[str, Any] | None:
        """Return the next line as data, nothing in it where the process ended; None where none came in time."""
        assert process.stdout is not None
        deadline, (_, before) = time.monotonic() + seconds, _state(process.pid)
        last = deadline + (patience - 1) * seconds
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    state, used = _state(process.pid)
                    if deadline >= last or state not in _READY or used - before >= seconds:
                        return None
                    deadline = min(deadline + max(seconds - (used - before), _LEAST), last)
                    continue
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    return {}
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _post_mortem(self, process: subprocess.Popen[bytes]) -> str:
        """Return why a process ended, with the end of what it wrote to stderr."""
        code = process.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read()[-_TAIL:].decode(errors="replace").strip()
        self.close()
        return f"the process of the evaluator {how}" + (f"; it said: {said}" if said else "")


def _state(pid: int) -> tuple[str, float]:
    """Return the state of a process, a letter of proc(5), and its seconds of processor; empty where none is told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "", 0.0
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was still to be written has no reader any more
                pipe.close()
