"""What a report is made of: the trials of a study, its LLM calls and what the final test said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..engine import Trial
from ..engine.trial import best_of


@dataclass(frozen=True, slots=True)
class Call:
    """One LLM call: who answered what, and what it took; ``cached`` answers cost nothing again.

    ``messages`` are those of the prompt, as roles and texts; ``digest`` is what the note ``calls`` of a trial names.
    """

    model: str = ""
    round: int = 0
    messages: Sequence[tuple[str, str]] = ()
    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cached: bool = False
    error: str = ""
    cost: float | None = None
    digest: str = ""


@dataclass(frozen=True)
class Material:
    """A study as the report sees it.

    ``settings`` are what the user asked for (method, start, evaluator, llm, seed ...). ``final`` holds what tests that
    the search never saw say of its pick: accuracy by the name of the test, empty where there is none.
    """

    name: str
    trials: Sequence[Trial]
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    calls: Sequence[Call] = ()
    final: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def label(self) -> str:
        """How studies that differ in nothing but chance are known together: the method, and who answered if asked."""
        method, llm = self.setting("method"), self.setting("llm") if self.calls else ""
        return " · ".join(part for part in (method, llm) if part) or self.name

    @property
    def headline(self) -> str:
        """What was searched, in a line: method, start, evaluator, who answered, seed."""
        names = ["method", "start", "evaluator", *["llm"] * bool(self.calls)]
        seed = self.setting("seed")
        return " · ".join(filter(None, [*map(self.setting, names), f"seed {seed}" * bool(seed)]))

    def setting(self, name: str) -> str:
        """Return a setting as text, nothing where it was not made."""
        value = self.settings.get(name)
        return "" if value is None else str(value)

    def best(self) -> Trial | None:
        """Return the pick: the evaluated trial with the best score, the first of equals."""
        return best_of(self.trials)
