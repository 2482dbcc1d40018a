"""Passes: analyses and rewrites of modules, and pipelines of them."""

from .annotation import annotate_source
from .canonicalization import Canonicalize
from .checking import Check, Infer
from .costs import Cost, NodeCost, cost
from .inlining import Inline, inline
from .layers import Layer, layers
from .legalization import Legalize
from .limits import parse_limit, show_count
from .normal_form import network_digest, normal_form
from .outlining import Outline
from .pipeline import Instrument, Pass, Pipeline, PrintAfter, Step, Timing, verify_after
from .pipeline_text import parse_pipeline
from .raising import Raise
from .relevance import Relevance, RelevanceRow, normalised, relevance_table
from .table import PASSES
from .transposes import CancelTransposes

__all__ = [
    "PASSES",
    "CancelTransposes",
    "Canonicalize",
    "Check",
    "Cost",
    "Infer",
    "Inline",
    "Instrument",
    "Layer",
    "Legalize",
    "NodeCost",
    "Outline",
    "Pass",
    "Pipeline",
    "PrintAfter",
    "Raise",
    "Relevance",
    "RelevanceRow",
    "Step",
    "Timing",
    "annotate_source",
    "cost",
    "inline",
    "layers",
    "network_digest",
    "normal_form",
    "normalised",
    "parse_limit",
    "parse_pipeline",
    "relevance_table",
    "show_count",
    "verify_after",
]
