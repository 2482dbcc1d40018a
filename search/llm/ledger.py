"""What a run has spent on LLMs: calls, tokens, seconds, failures and cost; and the budget that ends it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from .client import Answer, Client, Prompt
from .errors import BudgetExhausted, LLMError

_BYTES_PER_TOKEN = 8
"""No tokenizer in use averages more bytes of such text a token, so this never overstates a prompt."""


@dataclass(frozen=True, slots=True)
class Price:
    """What the user pays, in a currency of their own, for a million tokens of prompt and of completion."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


@dataclass(slots=True)
class Ledger:
    """An account of what clients did; several clients may share one.

    ``price`` is the user's own: without one there is no cost. Answers from the cache are hits: they cost
    nothing and their tokens are not counted.
    """

    price: Price | None = None
    calls: int = 0
    hits: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """All tokens paid for."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def cost(self) -> float | None:
        """The price of all tokens, or None where no price was given."""
        return None if self.price is None else self.price.of(self.prompt_tokens, self.completion_tokens)

    def record(self, answer: Answer) -> None:
        """Add an answer: a hit if it came from the cache, else a call with its tokens and seconds."""
        if answer.cached:
            self.hits += 1
            return
        self.calls += 1
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        self.seconds += answer.seconds

    def record_failure(self, seconds: float) -> None:
        """Add a call that gave no answer."""
        self.calls += 1
        self.failures += 1
        self.seconds += seconds

    def summary(self) -> str:
        """Return the account as one line for people."""
        parts = [
            _counted(self.calls, "LLM call"),
            f"{self.failures} failed",
            _counted(self.hits, "answer") + " from the cache",
            f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens",
            f"{self.seconds:.1f} s",
        ]
        if self.cost is not None:
            parts.append(f"cost {self.cost:.4f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Metered:
    """A client whose calls go into a ledger and stop before the one that would surely pass ``budget_tokens``.

    How long an answer gets is known only afterwards, so the last call may pass the budget by its own length.
    """

    client: Client
    ledger: Ledger
    budget_tokens: int | None = None

    @property
    def name(self) -> str:
        """The name of the client behind."""
        return self.client.name

    def beside(self, client: Client) -> Metered:
        """Return another client that goes into the same ledger, and stops by the same budget."""
        return replace(self, client=client)

    def complete(self, prompt: Prompt) -> Answer:
        """Return the client's answer; raises BudgetExhausted, or what the client raises."""
        self._check(prompt)
        start = time.monotonic()
        try:
            answer = self.client.complete(prompt)
        except LLMError:
            self.ledger.record_failure(time.monotonic() - start)
            raise
        self.ledger.record(answer)
        return answer

    def _check(self, prompt: Prompt) -> None:
        if self.budget_tokens is None:
            return
        least = least_tokens(prompt)
        if self.ledger.tokens + least > self.budget_tokens:
            raise BudgetExhausted.at(
                self.name,
                f"{self.ledger.tokens:,} of {self.budget_tokens:,} tokens are spent and the next call"
                f" takes at least {least:,}",
                f"give more with --budget-tokens {self.ledger.tokens + least + prompt.max_tokens}, or none"
                " for no limit",
            )


def least_tokens(prompt: Prompt) -> int:
    """Return a number of tokens that answering a prompt takes at least, whatever the tokenizer."""
    size = sum(len(message.content.encode()) for message in prompt.messages)
    return size // _BYTES_PER_TOKEN + 1


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
