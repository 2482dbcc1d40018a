"""How a soft prompt is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """The settings of prompt tuning; the defaults are those of EvoPrompting.

    ``length`` vectors, ``epochs`` over the examples in batches of ``batch``, Adam's learning rate ``rate``.
    """

    length: int = 16
    epochs: int = 5
    batch: int = 16
    rate: float = 0.1
    seed: int = 0
