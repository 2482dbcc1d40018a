"""Admission: a network as it would be evaluated, held to its space, to the ops and to the limits that are allowed."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...ir import Diagnostic, Module, NascError, did_you_mean, digest, memoised
from ...passes import normal_form
from ..edit_grammar import kinds_of
from ..limits import Limits, Size
from .scaling import narrowed
from .space import Space


class OverLimit(NascError):
    """The network is too large, even at its narrowest."""


@dataclass
class Admission:
    """The gate before every evaluation: nothing passes it that is not of the space, legal and within the limits.

    ``ops`` are the only ops allowed where there are any. All checks are made on the IR: nothing is built.
    """

    space: Space
    limits: Limits
    ops: frozenset[str] = frozenset()
    _known: dict[int, tuple[Module, Module]] = field(default_factory=dict[int, tuple[Module, Module]])

    def admit(self, module: Module) -> Module:
        """Return a network as it would be evaluated; the same object for what was admitted before.

        One over the limits is made narrower until it fits. Raises NascError where it is not of the space, OverLimit
        where it is too large at any width; both are worded for an LLM.
        """
        known = self._known.get(id(module))
        if known is not None and known[0] is module:
            return known[1]
        admitted = self._admitted(module)
        self._known[id(module)] = (module, admitted)
        self._known[id(admitted)] = (admitted, admitted)
        return admitted

    def size(self, module: Module) -> Size:
        """Return the size of an admitted network."""
        return self.limits.check(module)

    def forget(self) -> None:
        """Let go of the networks of a round that is over."""
        self._known.clear()

    def _admitted(self, module: Module) -> Module:
        module = self._legal(module)
        try:
            self.limits.check(module)
        except NascError as error:
            smaller = narrowed(module, self._fits)
            if smaller is None:
                raise _too_large(error) from None
            return smaller
        return module

    def _legal(self, module: Module) -> Module:
        module = self.space.check(module)
        wrong = sorted(kinds_of(module) - self.ops) if self.ops else []
        if wrong:
            raise NascError(
                *(Diagnostic(f"{name} is not allowed here", did_you_mean(name, self.ops), "op") for name in wrong)
            )
        return module

    def _fits(self, module: Module) -> Module | None:
        """Return a network in the form of its space, None where it is over the limits. Raises NascError."""
        module = self._legal(module)
        try:
            self.limits.check(module)
        except NascError:
            return None
        return module


def _too_large(error: NascError) -> OverLimit:
    found = [
        Diagnostic(item.message, f"{item.hint}, and narrower layers do not get there", "limit")
        for item in error.diagnostics
    ]
    return OverLimit(*found)


@memoised
def fingerprint(module: Module) -> str:
    """Return what is equal for networks that train alike, whatever their names, order and blocks."""
    return digest(normal_form(module, train=True))
