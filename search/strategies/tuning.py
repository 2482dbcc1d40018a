"""EvoPrompting's prompt tuning: the local LLM learns from round to round what good children look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from ..engine import Trial, View
from ..llm import Prompt
from ..llm.local import LocalClient
from ..llm.tuning import Tuning
from .ranking import usable

_KIND = "soft-prompt"
_KEY = "local"
_MOST = 16


def soft_prompt(view: View) -> bytes:
    """Return the soft prompt of earlier rounds; nothing where there is none, or where the LLM cannot take it."""
    return view.memory.blob(_KIND, _KEY) or b"" if view.llm.name.startswith("local:") else b""


def tune(view: View, prompt: Callable[[Trial], Prompt | None], fitness: Callable[[Trial], float]) -> bytes:
    """Train the soft prompt on the best children of the last round, keep it and return it.

    ``prompt`` gives what a child was made from. Without children, or with another LLM than the local one, it stays.
    """
    soft = soft_prompt(view)
    last = max((trial.round for trial in view.trials), default=0)
    children = [trial for trial in usable(view.trials) if trial.round == last and not trial.notes.get("chance")]
    best = sorted(children, key=lambda trial: (-fitness(trial), trial.number))[:_MOST]
    pairs = pairs_of(best, prompt)
    if not pairs or not view.llm.name.startswith("local:"):
        return soft
    soft = _tuner().tune(pairs, Tuning(seed=view.round), soft)
    view.memory.put_blob(_KIND, _KEY, soft)
    return soft


def pairs_of(children: Sequence[Trial], prompt: Callable[[Trial], Prompt | None]) -> list[tuple[Prompt, str]]:
    """Return what each child was made from, and the answer that made it."""
    made = [(prompt(child), child.change) for child in children]
    return [(asked, f"{answer.rstrip()}\n") for asked, answer in made if asked is not None and answer.strip()]


@lru_cache(maxsize=1)
def _tuner() -> LocalClient:
    """Return the local LLM, which stays loaded from round to round."""
    return LocalClient(_nobody)


def _nobody(_: str) -> None:
    """Hear nothing."""
