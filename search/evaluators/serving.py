"""The inside of a sandbox: ``python -m nasc.search.evaluators.serving SPEC GIB`` answers lines of JSON with lines.

It opens the evaluator once and says so; then a line with ``text`` and ``seed`` is answered with an outcome, and one
with ``rows`` with the scores of a set. What an evaluator prints goes to stderr, and it has nothing to read. It ends
with its standard input, and when the process that started it is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from ...ir import NascError
from .evaluator import Evaluator, Outcome

_DEPTH = 20_000
_FIRST = "nasc 1\n\ngraph @main(%x: f32[N]) -> f32[N] {\n  return %x\n}\n"


def main(arguments: Sequence[str]) -> int:
    """Serve one evaluator until there are no more questions."""
    spec, gib = arguments[0], float(arguments[1])
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    _close_standard()
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    evaluator = _opened(spec, replies)
    if evaluator is None:
        return 1
    _limit(gib)
    _say(replies, {"name": evaluator.name})
    for line in questions:
        outcome = _answer(evaluator, json.loads(line), gib)
        _say(replies, {"status": outcome.status, "metrics": dict(outcome.metrics), "error": outcome.error})
    return 0


def _close_standard() -> None:
    """Leave standard input empty and join output to errors: what is asked and answered here is not for evaluators."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def _opened(spec: str, replies: IO[str]) -> Evaluator | None:
    from ...grammar import parse
    from .opening import open_evaluator

    parse(_FIRST)  # so that the first network does not wait for the parser
    sys.setrecursionlimit(_DEPTH)
    try:
        evaluator = open_evaluator(spec)
    except NascError as error:
        first = error.diagnostics[0]
        _say(replies, {"refused": {"message": first.message, "hint": first.hint}})
        return None
    return evaluator


def _say(replies: IO[str], message: Mapping[str, object]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _answer(evaluator: Evaluator, question: Mapping[str, Any], gib: float) -> Outcome:
    try:
        if "rows" in question:
            return _ranked(evaluator, question["rows"])
        from ...grammar import parse
        from ...ir import checked

        return evaluator.evaluate(checked(parse(question["text"])), int(question["seed"])).sound()
    except NascError as error:
        return Outcome("failed", {}, str(error))
    except Exception as error:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return Outcome("failed", {}, f"the evaluation needs more than {gib:g} GiB of memory")
        traceback.print_exc()
        return Outcome("failed", {}, f"{_place(error)}{type(error).__name__}: {error}")


def _place(error: Exception) -> str:
    """Return the last line of the user's own code that an error went through, as ``own.py:12: ``, if any."""
    package = str(Path(__file__).resolve().parents[2])
    libraries = (package, sys.prefix, sys.base_prefix, "<")
    frames = [found for found in traceback.extract_tb(error.__traceback__) if not found.filename.startswith(libraries)]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""


def _ranked(evaluator: Evaluator, rows: Sequence[Mapping[str, float]]) -> Outcome:
    rank = getattr(evaluator, "rank", None)
    if rank is None:
        return Outcome("done")
    return Outcome("done", {str(place): score for place, score in enumerate(cast(list[float], rank(rows)))})


def _limit(gib: float) -> None:
    """Bound the memory by what is in use now and so many GiB more, where the system can."""
    try:
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        used = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
        most = used + int(gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    except (ImportError, OSError, StopIteration, ValueError):
        return


def _watch(parent: int) -> None:
    """End this process once the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
