"""Calls that nasc has no rule for, taken apart by PyTorch itself into ones that it may have."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import fx
from torch._ops import OpOverload
from torch.export import ExportedProgram, default_decompositions

from .aten import RULES
from .overloads import overload


def decomposed(program: ExportedProgram) -> ExportedProgram | None:
    """Return a program with the calls that have no rule decomposed; None where PyTorch decomposes none of them.

    Calls that have a rule stay whole: layers keep their weights and names.
    """
    table: dict[object, Callable[..., Any]] = dict(default_decompositions())
    unruled = {target: made for target, made in table.items() if isinstance(target, OpOverload) and not _ruled(target)}
    called = {node.target for node in program.graph.nodes if isinstance(node.target, OpOverload)}
    if not called & unruled.keys():
        return None
    try:
        with contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
            simpler: ExportedProgram = program.run_decompositions(cast("Any", unruled))
            return simpler
    except Exception:
        return None


def with_casts(program: ExportedProgram) -> ExportedProgram:
    """Return a program in which what autocast casts is cast by calls of its own; the same where nothing is cast.

    A region with ``enabled=False`` casts nothing.
    """
    graphs = [part.graph for part in program.graph_module.modules() if isinstance(part, fx.GraphModule)]
    calls = [node for graph in graphs for node in graph.nodes if node.op == "call_function"]
    regions = [node for node in calls if getattr(node.target, "__name__", "") == "wrap_with_autocast"]
    if not any(node.args[2] for node in regions):
        return program
    with contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        cast_program: ExportedProgram = program.run_decompositions({})
        return cast_program


def _ruled(target: OpOverload) -> bool:
    found = overload(target)
    return found.name in RULES or found.plain in RULES
