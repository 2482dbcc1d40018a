"""Strategies by the names that users write after ``--method``."""

from __future__ import annotations

from collections.abc import Mapping

from ...passes.pipeline_text import parse_choice
from ..engine import Strategy
from .evolution import Evolution
from .evoprompting import EvoPrompting
from .fairnad import FairNad
from .nader import Nader
from .nas_assistant import NasAssistant
from .predictor_guided import PredictorGuided
from .random_search import RandomSearch

_CLASSES = (RandomSearch, Evolution, PredictorGuided, NasAssistant, EvoPrompting, Nader, FairNad)
STRATEGIES: Mapping[str, type[Strategy]] = {cls.name: cls for cls in _CLASSES}


def open_strategy(text: str) -> Strategy:
    """Return the strategy that a text names, ``evolution{population=50, sample=10}``; options are its fields.

    Raises NascError with the place in the text and what would be right.
    """
    made: Strategy = parse_choice(text, STRATEGIES, "strategy")
    return made
