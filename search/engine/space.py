"""Spaces: which networks a search may visit, how it moves between them, and how an LLM is asked for a move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ...ir import Module


@dataclass(frozen=True, slots=True)
class Change:
    """A network and, in words that the space can read back, what was done to get it."""

    module: Module
    text: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a network to change something: a name for people, and what the space needs to find it."""

    name: str
    nodes: tuple[str, ...] = ()


class Space(Protocol):
    """A set of networks with moves. All methods are deterministic; whatever is drawn is drawn from ``rng``."""

    @property
    def name(self) -> str:
        """What the user wrote: ``nb201``, or the model that the search starts from."""
        ...

    def starts(self) -> tuple[Module, ...]:
        """Return the networks that a search begins with; may be empty where ``sample`` draws freely."""
        ...

    def check(self, module: Module) -> Module:
        """Return a network of the space in its own form: legal, typed. Raises NascError, worded for an LLM."""
        ...

    def sample(self, rng: Random) -> Change:
        """Return a network drawn at random from the whole space."""
        ...

    def mutate(self, module: Module, rng: Random, spot: Spot | None = None) -> Change:
        """Return a random typed change of a network, at ``spot`` where one is given. Raises NascError."""
        ...

    def cross(self, first: Module, second: Module, rng: Random) -> Change:
        """Return a child of two networks; one of them where they cannot be mixed."""
        ...

    def spots(self, module: Module) -> tuple[Spot, ...]:
        """Return where the network can be changed."""
        ...

    def show(self, module: Module, spot: Spot | None = None, limit: int = 1800) -> str:
        """Return the network, or the spot of it, as an LLM reads it, in about ``limit`` characters."""
        ...

    def grammar(self, module: Module, spot: Spot | None = None, changes: int = 2, why: int = 0) -> str:
        """Return the Lark grammar of answers: 1 to ``changes`` changes, after a reason of ``why`` characters."""
        ...

    def child_grammar(self, parents: Sequence[Module]) -> str:
        """Return the Lark grammar of a whole child of these parents, as :meth:`show` would write it."""
        ...

    def apply(self, module: Module, answer: str, spot: Spot | None = None) -> Change:
        """Return what an answer makes of a network. Raises NascError, worded for an LLM."""
        ...

    def write(self, parents: Sequence[Module], answer: str) -> Change:
        """Return the whole child that an answer in :meth:`child_grammar` describes. Raises NascError."""
        ...
