"""Questions to an LLM: how much it is shown and asked for, and the prompt of each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..ir import Module
from .edit_grammar import edit_grammar
from .focus import Place
from .llm import Message, Prompt
from .prompts import examples, filled
from .view import show_context, show_place, show_runs


@dataclass(frozen=True, slots=True)
class Style:
    """What an LLM can take: characters of network to look at, of reason to write, tokens to answer.

    ``place`` is for the graph to edit, ``context`` for those around it, ``tried`` how many earlier attempts
    are told, ``types`` whether the text has the type of every value.
    """

    place: int
    context: int
    why: int
    edits: int
    tried: int
    max_tokens: int
    whole_blocks: bool
    types: bool = False
    temperature: float = 0.7


RANDOM = Style(place=0, context=0, why=0, edits=3, tried=0, max_tokens=256, whole_blocks=False)
SMALL = Style(place=1800, context=0, why=60, edits=2, tried=2, max_tokens=128, whole_blocks=False)
LARGE = Style(place=16_000, context=16_000, why=300, edits=6, tried=8, max_tokens=2048, whole_blocks=True, types=True)


def style_of(name: str) -> Style:
    """Return the style for a client by its name: random edits, the small local model, or a server's model."""
    if name == "random":
        return RANDOM
    return SMALL if name.startswith("local") else LARGE


@dataclass(frozen=True)
class Question:
    """What one round is about: a module and the place to edit, how well it does and what was tried there."""

    module: Module
    place: Place
    score: float
    threshold: float
    keep_ops: bool
    limits: str
    tried: tuple[str, ...] = ()

    def grammar(self, style: Style) -> str:
        """Return the grammar of the answers in a style. Raises NascError where there is nothing to edit."""
        return edit_grammar(
            self.module,
            focus={self.place.graph: self.place.nodes},
            keep_ops=self.keep_ops,
            edits=style.edits,
            why=style.why,
            new_blocks=style.whole_blocks,
        )

    def prompt(self, style: Style, grammar: str, seed: int, talk: Sequence[Message] = ()) -> Prompt:
        """Return the prompt in a style; ``talk`` is what was said since the question."""
        messages = (*self._opening(style), *talk)
        return Prompt(messages, grammar, style.max_tokens, style.temperature, seed)

    def _opening(self, style: Style) -> tuple[Message, ...]:
        if style.place == 0:
            return (Message("user", self.place.graph),)
        more = filled("whole_block") if style.whole_blocks else ""
        system = Message("system", filled("system", edits=style.edits, more=more))
        question = filled(
            "request",
            context=show_context(self.module, self.place, style.context),
            text=show_place(self.module, self.place, style.place, style.types),
            state=self._state(),
            tried=self._tried(style.tried),
            ask=self._ask(style),
        )
        return (system, *examples(), Message("user", question))

    def _state(self) -> str:
        parts = [show_runs(self.module, self.place)]
        parts.append(f"The score is {self.score:.4f}; reach {self.threshold:.4f}.")
        return " ".join(part for part in (*parts, self.limits) if part)

    def _tried(self, most: int) -> str:
        return "\n".join(f"Tried: {line}" for line in self.tried[-most:]) if most else ""

    def _ask(self, style: Style) -> str:
        ask = f"Edit @{self.place.graph}."
        if not style.whole_blocks:
            return ask
        kinds = " while keeping to the same kinds of operations" if self.keep_ops else ""
        return f"Come up with a better network based on the relevance and the text{kinds}. {ask}"


def feedback(answer: str, problem: str, place: Place) -> tuple[Message, Message]:
    """Return the turns that hand an answer back with what was wrong with it."""
    told = filled("feedback", problem=problem[:600], graph=place.graph)
    return Message("assistant", answer[:1000] or "(nothing)"), Message("user", told)


def smaller(style: Style) -> Style:
    """Return a style that takes half the context."""
    return replace(style, place=max(style.place // 2, 400), context=style.context // 2)
