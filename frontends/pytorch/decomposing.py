"""Calls that nasc has no rule for, taken apart by PyTorch itself into ones that it may have."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram, default_decompositions

from .aten import RULES
from .overloads import overload


def decomposed(program: ExportedProgram) -> ExportedProgram | None:
    """Return a program with the calls that have no rule decomposed; None where PyTorch decomposes none of them.

    Calls that have a rule stay whole: layers keep their weights and names.
    """
    table = default_decompositions()
    known = {target: table[target] for target in _unknown(program) if target in table}
    if not known:
        return None
    try:
        with contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
            return program.run_decompositions(_only(known))
    except Exception:
        return None


def _unknown(program: ExportedProgram) -> list[OpOverload]:
    """Return the overloads without a rule, each once."""
    targets = {node.target for node in program.graph.nodes if isinstance(node.target, OpOverload)}
    return [target for target in targets if isinstance(target, OpOverload) and not _ruled(target)]


def _ruled(target: OpOverload) -> bool:
    called = overload(target)
    return called.name in RULES or called.plain in RULES


def _only(known: dict[OpOverload, Callable[..., Any]]) -> dict[Any, Callable[..., Any]]:
    """Return the decompositions of these overloads, and of what they are made of where that has no rule either."""
    table = default_decompositions()
    found: dict[Any, Callable[..., Any]] = {}
    for target in list(table):
        if isinstance(target, OpOverload) and not _ruled(target):
            found[target] = table[target]
    return {**found, **known}
