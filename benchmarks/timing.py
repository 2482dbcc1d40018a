"""How long functions take that are compared with each other: run in turn, so that they share the machine's weather."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Seconds(NamedTuple):
    """Medians: of the processor, which other work on the machine touches less, and of the clock on the wall."""

    processor: float
    wall: float


def in_turn(runs: Sequence[Callable[[], object]], repeats: int) -> list[Seconds]:
    """Return the medians of functions over so many rounds, after one that does not count."""
    found: list[list[Seconds]] = [[] for _ in runs]
    for _ in range(repeats + 1):
        for times, run in zip(found, runs, strict=True):
            wall, processor = time.perf_counter(), time.process_time()
            run()
            times.append(Seconds(time.process_time() - processor, time.perf_counter() - wall))
    return [Seconds(*map(statistics.median, zip(*times[1:], strict=True))) for times in found]
