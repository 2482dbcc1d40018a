"""What is read from a store: rounds, trials, evaluations and calls of an LLM, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...grammar import parse
from ...ir import Module
from ..engine.trial import Trial


class StoredTrial(Trial):
    """A trial whose network is read from its text when it is first looked at.

    ``text`` is the network as the store has it, empty where there is none.
    """

    text: str

    def __init__(self, text: str = "", networks: dict[str, Module] | None = None, **values: Any) -> None:
        """Keep the text; ``networks`` are those of the study that were read before, by digest.

        A ``module`` among the values, as ``dataclasses.replace`` gives one, is kept in the place of the text.
        """
        for field in fields(Trial):
            if field.name != "module" or "module" in values:
                object.__setattr__(self, field.name, values[field.name])
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "_networks", {} if networks is None else networks)

    def __getattr__(self, name: str) -> Any:
        """Read the network: no other attribute can be missing."""
        if name != "module":
            raise AttributeError(name)
        module = read_network(self.text, self.digest, self.__dict__["_networks"])
        object.__setattr__(self, "module", module)
        return module


def read_network(text: str, digest: str, networks: dict[str, Module]) -> Module | None:
    """Return the network of a text, the same object for the same digest; None for no text."""
    if not text:
        return None
    if digest not in networks:
        networks[digest] = parse(text, f"<candidate {digest[:12]}>")
    return networks[digest]


@dataclass(frozen=True, slots=True)
class Round:
    """A round: its number from 0, the seed of its chance, how many trials it made, when it was asked (s since 1970)."""

    number: int
    seed: str
    trials: int
    asked: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluator measured of a trial at one stage of a cascade.

    ``seconds`` is wall time, ``ended`` seconds since 1970, ``worker`` who did it (``host:pid``).
    """

    trial: int
    stage: int
    evaluator: str
    seed: int
    status: str
    metrics: Mapping[str, float]
    error: str
    seconds: float
    worker: str
    ended: float


@dataclass(frozen=True, slots=True)
class Call:
    """A question to an LLM and its answer.

    ``prompt`` has messages ([role, content]), grammar, max_tokens, temperature, seed and stop. ``paid`` is false where
    the store knew the answer; ``cost`` is in the user's currency, None where no price was given. ``error`` says why
    there is no answer: one that was empty, or a prompt that was too long. ``digest`` is that of prompt and client, of
    which the note ``calls`` of a trial has the first 12 digits.
    """

    round: int
    position: int
    client: str
    model: str
    prompt: Mapping[str, object]
    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    finished: bool
    error: str
    paid: bool
    cost: float | None
    digest: str = ""
