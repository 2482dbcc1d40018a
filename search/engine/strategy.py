"""Strategies: what is left of a paper's algorithm once candidates, checks, evaluation and memory are the engine's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol

from ...ir import Module
from ..llm import Answer, Client, Prompt
from .space import Space
from .trial import Proposal, Trial


class Memory(Protocol):
    """What a strategy keeps between rounds: JSON documents by kind and key, in the order in which they were made.

    What is written during ``ask`` is kept together with the proposals that ``ask`` returns, or not at all.
    """

    def get(self, kind: str, key: str) -> Mapping[str, object] | None:
        """Return a document, or None."""
        ...

    def put(self, kind: str, key: str, document: Mapping[str, object]) -> None:
        """Keep a document in the place of an earlier one with this key."""
        ...

    def all(self, kind: str) -> Sequence[tuple[str, Mapping[str, object]]]:
        """Return all documents of a kind with their keys, oldest first."""
        ...

    def blob(self, kind: str, key: str) -> bytes | None:
        """Return bytes (a soft prompt, say), or None."""
        ...

    def put_blob(self, kind: str, key: str, data: bytes) -> None:
        """Keep bytes in the place of earlier ones with this key."""
        ...


class View(Protocol):
    """What a strategy sees when it is asked: everything that it may depend on, and nothing else.

    Proposals must follow from it alone, so that a round that was cut off is asked again with the same outcome:
    answers of the LLM that were paid for are answered from the store.
    """

    @property
    def space(self) -> Space:
        """The space that is searched."""
        ...

    @property
    def round(self) -> int:
        """The number of this round, from 0."""
        ...

    @property
    def wanted(self) -> int:
        """How many proposals would be evaluated at once; a strategy may return fewer, or its own number."""
        ...

    @property
    def left(self) -> int:
        """How many networks may still be evaluated; where a cascade filters, that is at its first stage."""
        ...

    @property
    def rng(self) -> Random:
        """Chance, seeded by the study's seed and the round."""
        ...

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials of earlier rounds, every one of them ended, in their order."""
        ...

    @property
    def llm(self) -> Client:
        """The LLM; every call is recorded. Raises LLMError, which ends the search with the best so far."""
        ...

    @property
    def memory(self) -> Memory:
        """What the strategy wrote down in earlier rounds."""
        ...

    def beside(self, client: Client, prompt: Prompt) -> Answer:
        """Return what another client than the LLM answers, one for embeddings, say: recorded alike, asked once a study.

        Raises LLMError.
        """
        ...

    def admit(self, module: Module) -> Module:
        """Return a module as it would be evaluated: in the space, legal, scaled down to the limits.

        Raises NascError, worded for an LLM, where it is not of the space, or too large even at its narrowest.
        """
        ...

    def known(self, module: Module) -> Trial | None:
        """Return the trial of an earlier round that is the same network, or None."""
        ...

    def front(self) -> Sequence[Trial]:
        """Return the Pareto front of the study's objectives, the least crowded first."""
        ...


class Strategy(Protocol):
    """One way to search. An implementation is a frozen dataclass whose fields are its options.

    It may have a method ``prepare()``, which is called before a study begins and raises NascError where something
    that the strategy will read is missing.
    """

    @property
    def name(self) -> str:
        """The name that the user writes after ``--method``."""
        ...

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return the proposals of a round; none ends the search."""
        ...
