"""Strategies: each file reads like its paper's algorithm; what they share is the engine's."""

from .registry import STRATEGIES, open_strategy

__all__ = ["STRATEGIES", "open_strategy"]
