"""The client that knows nothing: answers drawn at random from the prompt's own grammar.

This is the baseline that every claim about an LLM is held against, so it sees exactly the grammar that the
LLM is held to. It spends no tokens.
"""

from __future__ import annotations

import time
from random import Random

from .client import Answer, Prompt
from .errors import BadGrammar
from .regex import draw
from .rules import Rules, read_rules

_DEPTH = 40
_DRAWS = 50


class RandomClient:
    """Answers by expanding the grammar of the prompt: each alternative of a rule is equally likely.

    Beyond ``depth`` nested rules the alternative that ends soonest is taken. The seed is the prompt's own
    digest, so the same prompt with the same seed gives the same answer. ``max_tokens``, ``temperature`` and
    ``stop`` mean nothing here.
    """

    name = "random"

    def __init__(self, depth: int = _DEPTH) -> None:
        self._depth = depth

    def complete(self, prompt: Prompt) -> Answer:
        """Return a string of the prompt's grammar; raises BadGrammar where there is none."""
        start = time.monotonic()
        if prompt.grammar is None:
            hint = "give Prompt(grammar=...)"
            raise BadGrammar.at(self.name, "the prompt has no grammar to draw from", hint)
        text = draw_answer(read_rules(prompt.grammar), Random(prompt.digest(self.name)), self._depth)
        return Answer(text, 0, 0, time.monotonic() - start, self.name)


def draw_answer(rules: Rules, rng: Random, depth: int = _DEPTH) -> str:
    """Return a string that the grammar accepts; raises BadGrammar when draw after draw is not accepted.

    A draw can be wrong only where two terminals compete for the same characters (a name that is a keyword),
    so it is parsed and, if need be, drawn again.
    """
    for _ in range(_DRAWS):
        text = _draw(rules, rng, depth)
        if rules.accepts(text):
            return text
    raise BadGrammar.at(
        "grammar", f"of {_DRAWS} strings drawn from its rules it accepts none", "tell its terminals apart"
    )


def _draw(rules: Rules, rng: Random, depth: int) -> str:
    pieces: list[str] = []
    work: list[tuple[str, int]] = [(rules.start, depth)]
    while work:
        name, left = work.pop()
        if name in rules.terminals:
            pieces.append(draw(rules.terminals[name], rng))
            continue
        options = rules.productions[name]
        costs = [max((rules.heights[part] for part in option), default=0) for option in options]
        fitting = [option for option, cost in zip(options, costs, strict=True) if cost < left]
        chosen = rng.choice(fitting) if fitting else options[costs.index(min(costs))]
        work += [(part, left - 1) for part in reversed(chosen)]
    return rules.separator.join(pieces)
