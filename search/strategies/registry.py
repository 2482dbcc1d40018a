"""Strategies by the names that users write after ``--method``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...passes.pipeline_text import parse_choice
from ..engine import Strategy
from .evolution import Evolution
from .evoprompting import EvoPrompting
from .fairnad import FairNad
from .nader import Nader
from .nas_assistant import NasAssistant
from .predictor_guided import PredictorGuided
from .random_search import RandomSearch

STRATEGIES: Mapping[str, Callable[..., Any]] = {
    RandomSearch.name: RandomSearch,
    Evolution.name: Evolution,
    PredictorGuided.name: PredictorGuided,
    NasAssistant.name: NasAssistant,
    EvoPrompting.name: EvoPrompting,
    Nader.name: Nader,
    FairNad.name: FairNad,
}
"""The classes of strategies by name."""


def open_strategy(text: str) -> Strategy:
    """Return the strategy that a text names, ``evolution{population=50, sample=10}``; options are its fields.

    Raises NascError with the place in the text and what would be right.
    """
    made: Strategy = parse_choice(text, STRATEGIES, "strategy")
    return made
