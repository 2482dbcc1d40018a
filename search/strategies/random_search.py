"""Random search: the baseline that every other strategy must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..engine import Proposal, View
from .drawing import Drawing


@dataclass(frozen=True)
class RandomSearch:
    """Propose the space's starts, then samples of the space that were not seen before."""

    name: ClassVar[str] = "random"

    def ask(self, view: View) -> Sequence[Proposal]:
        """Return as many proposals as are wanted."""
        drawing = Drawing(view)
        return drawing.opening(min(view.wanted, view.left))
