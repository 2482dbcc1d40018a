"""What `nasc search` shows: a live line on terminals, plain lines elsewhere, and a summary in the end."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..ir import counted
from ..passes import show_count
from .output import console, on_terminal, say

if TYPE_CHECKING:
    from ..search.engine import Study, Trial
    from ..search.store.work import State

_OFTEN = 0.5
"""Seconds between two looks at the study."""
_SHARE = 20
"""How many times as long as a look took the next one is put off at least: a large study is looked at less often."""
_SELDOM = 10.0
"""Seconds after which a line is printed though the best is the same."""
_BAR = 30
_REASONS = {
    "trials": "all {wanted} evaluations are there",
    "method": "{method} has nothing more to propose",
    "repeats": "{evaluated} of {proposals} proposals were new and fit to be evaluated",
    "": "{evaluated} of {wanted} evaluations are there",
}


class Progress:
    """Live progress on stderr: best so far, front, speed, tokens, statuses.

    On a terminal one picture is redrawn; elsewhere there is a line when the best changes, and now and then.
    """

    def __init__(self, study: Study, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch a study; ``clock`` tells the time in seconds."""
        self._study, self._clock = study, clock
        self._live: Any = None
        self._start = self._shown = clock()
        self._next = self._start + _OFTEN
        self._before = study.state().evaluated
        self._best: int | None = None

    def __enter__(self) -> Self:
        """Begin to draw, on a terminal."""
        if on_terminal(sys.stderr):
            from rich.live import Live

            self._live = Live(console=console(sys.stderr), refresh_per_second=2, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop drawing."""
        if self._live is not None:
            self._live.stop()

    def update(self) -> None:
        """Show where the study is, unless it was looked at just now."""
        now = self._clock()
        if now >= self._next:
            self._show(now)
            self._next = now + max(_OFTEN, _SHARE * (self._clock() - now))

    def _show(self, now: float) -> None:
        trials = self._study.trials()
        best = self._study.best(trials)
        number = None if best is None else best.number
        if self._live is not None:
            from rich.text import Text

            picture = Text("\n".join(self.picture(trials, now)), no_wrap=True, overflow="ellipsis")
            self._live.update(picture, refresh=True)
        elif number != self._best or now - self._shown > _SELDOM:
            say(self.line(trials, now))
        else:
            return
        self._best, self._shown = number, now

    def line(self, trials: Sequence[Trial], now: float) -> str:
        """Return progress as one line."""
        state, best = self._study.state(), self._study.best(trials)
        speed = self._speed(state, now)
        found = f"best {best.score:.4f} (trial {best.number})" if best else "no score yet"
        empty = _unmeasured(self._study, best) if best else ""
        front = f"front {empty or len(self._study.front(trials))}"
        parts = [f"round {state.rounds}: {state.evaluated} of {state.wanted} evaluated", found, front]
        return ", ".join([*parts, f"{speed:.2f}/s", *self._spent(), statuses(trials)])

    def picture(self, trials: Sequence[Trial], now: float) -> list[str]:
        """Return progress as the lines of a picture: a bar, the best, the front, what became of all proposals."""
        study, state = self._study, self._study.state()
        speed = self._speed(state, now)
        done = min(_BAR, _BAR * state.evaluated // max(state.wanted, 1))
        left = (state.wanted - state.evaluated) / speed if speed else 0.0
        best, front = study.best(trials), study.front(trials)
        shown = [f"{found.score:.4f} at {show_count(int(found.metrics['params']))}" for found in front[:4]]
        empty = _unmeasured(study, best) if best else ""
        time_left = f", about {left:.0f} s left" if left else ""
        return [
            f"{study.stored.name}: {study.settings.method} from {study.settings.start}, round {state.rounds}",
            f"{'█' * done}{'░' * (_BAR - done)} {state.evaluated} of {state.wanted}, {speed:.2f}/s{time_left}",
            f"best   {f'trial {best.number}, {_measures(best)}' if best else 'no score yet'}",
            f"front  {empty or len(front)}{': ' if shown else ''}{', '.join(shown)}{' ...' if len(front) > 4 else ''}",
            f"trials {', '.join([statuses(trials) or 'none yet', *self._spent()])}",
        ]

    def _speed(self, state: State, now: float) -> float:
        """Return evaluations a second since this run began."""
        return (state.evaluated - self._before) / max(now - self._start, 1e-9)

    def _spent(self) -> list[str]:
        tokens = self._study.stored.tokens()
        return [f"{tokens:,} tokens"] if tokens else []


def statuses(trials: Sequence[Trial]) -> str:
    """Return how many trials have which status: ``12 done, 3 repeat``."""
    found = Counter(trial.status for trial in trials)
    return ", ".join(f"{found[status]} {status}" for status in sorted(found, key=lambda name: -found[name]))


def summary(study: Study, trials: Sequence[Trial]) -> list[str]:
    """Return what a study found: why it ended, the best network, the front, the tokens."""
    state = study.state()
    known = vars(study.settings) | {name: getattr(state, name) for name in state.__slots__}
    lines = [
        f"study {study.stored.name}: {_REASONS[study.over(state)].format(**known)}",
        f"{counted(state.proposals, 'proposal')} in {counted(state.rounds, 'round')}: {statuses(trials) or 'none'}",
    ]
    best = study.best(trials)
    if best is None:
        return [*lines, "no network has a score", *_reasons(trials)]
    if study.over(state) == "repeats":
        lines += _reasons(trials)
    lines.append(f"best: trial {best.number}, {_measures(best)}")
    lines += [f"  {step}" for step in _way(best, trials)]
    front = sorted(study.front(trials), key=lambda trial: -(trial.score or 0.0))
    size = _unmeasured(study, best) or counted(len(front), "network")
    lines.append(f"front of {', '.join(study.settings.objectives)}: {size}")
    lines += [f"  trial {trial.number}: {_measures(trial)}" for trial in front[:8]]
    tokens = study.stored.tokens()
    return [*lines, f"tokens: {tokens:,}"] if tokens else lines


def _unmeasured(study: Study, best: Trial) -> str:
    """Return why a front is empty, where an objective is none that a trial with a score has."""
    missing = [name for name in study.settings.objectives if name.removeprefix("min:") not in best.metrics]
    there = ", ".join(sorted(best.metrics))
    return f"empty, for there is no {' or '.join(missing)} in the metrics: {there}" if missing else ""


def _reasons(trials: Sequence[Trial]) -> list[str]:
    """Return why proposals came to nothing, the most frequent reasons first."""
    found = Counter((trial.status, trial.reason) for trial in trials if trial.error)
    return [f"  {count} {status}: {reason}" for (status, reason), count in found.most_common(3)]


def _measures(trial: Trial) -> str:
    metrics = trial.metrics
    parts = [f"score {metrics['score']:.4f}", f"{show_count(int(metrics['params']))} parameters"]
    parts.append(f"{show_count(int(metrics['macs']))} MACs")
    return ", ".join([*parts, *([f"{metrics['latency']:.2f} ms"] if "latency" in metrics else [])])


def _way(best: Trial, trials: Sequence[Trial]) -> list[str]:
    """Return the changes that lead from a start to the best network, the last ones."""
    steps: list[str] = []
    trial: Trial | None = best
    while trial is not None:
        if trial.change:
            shown = trial.changed if len(trial.changed) <= 100 else f"{trial.changed[:97]}..."
            steps.append(f"{trial.operator or 'change'} (trial {trial.number}): {shown}")
        trial = trials[trial.parents[0]] if trial.parents else None
    return steps[:6][::-1]
