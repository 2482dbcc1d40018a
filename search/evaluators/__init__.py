"""Evaluators: what a network is worth, by a table, a predictor, a proxy or a training, in a process of their own."""

from .cascade import Cascade, Stage, parse_cascade, passing
from .evaluator import Evaluator, Outcome
from .opening import FORMS, open_evaluator
from .sandbox import Sandbox

__all__ = ["FORMS", "Cascade", "Evaluator", "Outcome", "Sandbox", "Stage", "open_evaluator", "parse_cascade", "passing"]
