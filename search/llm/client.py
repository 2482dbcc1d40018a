"""What goes into an LLM and what comes out: messages, prompts, answers, and the protocol of a client."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    r"""Everything that decides an answer, besides the model.

    ``grammar`` is Lark text in the subset that lark and llguidance share, its start rule named ``start``;
    None leaves the answer free. Clients that cannot constrain an answer ignore it, so the caller checks every
    answer. ``max_tokens`` bounds the answer, ``temperature`` 0 takes the likeliest token, and the same prompt
    with the same ``seed`` gives the same text wherever the client decides (the local model, random edits).
    ``stop`` strings end the answer and are no part of it: with a grammar, end the grammar with ``"\n"``
    instead. ``soft`` is a soft prompt that the local model reads first (see soft_prompt.py); others ignore it.
    """

    messages: tuple[Message, ...]
    grammar: str | None = None
    max_tokens: int = 256
    temperature: float = 0.7
    seed: int = 0
    stop: tuple[str, ...] = ()
    soft: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what no client could answer."""
        if not self.messages:
            raise ValueError("a prompt needs at least one message")
        if self.max_tokens < 1 or self.temperature < 0:
            raise ValueError("max_tokens must be at least 1 and temperature at least 0")

    def digest(self, client: str) -> str:
        """Return the SHA-256, in hex, of the client's name and every field, as canonical JSON."""
        fields: dict[str, object] = {
            "client": client,
            "messages": [[message.role, message.content] for message in self.messages],
            "grammar": self.grammar,
            "max_tokens": self.max_tokens,
            "temperature": float(self.temperature),
            "seed": self.seed,
            "stop": list(self.stop),
        }
        if self.soft:
            fields["soft"] = hashlib.sha256(self.soft).hexdigest()
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client answered and what it took.

    ``prompt_tokens`` and ``completion_tokens`` count as the model counts, ``seconds`` is wall time, ``model``
    the model's own name, ``cached`` true when the answer was read from disk, ``finished`` false when
    ``max_tokens`` cut the text short.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    model: str
    cached: bool = False
    finished: bool = True


class Client(Protocol):
    """Anything that answers prompts."""

    @property
    def name(self) -> str:
        """The identity of the model: part of the key under which answers are cached."""
        ...

    def complete(self, prompt: Prompt) -> Answer:
        """Return the answer to a prompt; raises LLMError."""
        ...
