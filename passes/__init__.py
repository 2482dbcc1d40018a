"""Passes: analyses and rewrites of modules, and pipelines of them."""

from .canonicalization import Canonicalize
from .checking import Check, Infer
from .costs import Cost, NodeCost, cost
from .inlining import Inline, inline
from .legalization import Legalize
from .limits import parse_limit, show_count
from .outlining import Outline
from .pipeline import Instrument, Pass, Pipeline, PrintAfter, Step, Timing, verify_after
from .pipeline_text import parse_pipeline
from .table import PASSES

__all__ = [
    "PASSES",
    "Canonicalize",
    "Check",
    "Cost",
    "Infer",
    "Inline",
    "Instrument",
    "Legalize",
    "NodeCost",
    "Outline",
    "Pass",
    "Pipeline",
    "PrintAfter",
    "Step",
    "Timing",
    "cost",
    "inline",
    "parse_limit",
    "parse_pipeline",
    "show_count",
    "verify_after",
]
