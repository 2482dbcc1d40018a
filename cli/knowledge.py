"""Saying that the predictor knows nothing like a model, where its scores are used all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import say

if TYPE_CHECKING:
    from ..ir import Module
    from ..predictor import Predictor

NOTE = "note: the predictor was trained on nothing like this model; take its scores as guesses"


def doubt(predictor: Predictor, module: Module) -> None:
    """Say on stderr that a model lies far from all that was trained on, if it does."""
    if not predictor.predict([module])[0].known:
        say(NOTE)
