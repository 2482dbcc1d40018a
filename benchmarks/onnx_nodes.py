"""The node tests of onnx.backend.test: every operator's own examples, lowered, emitted as PyTorch and run.

    python -m benchmarks.onnx_nodes

A test is applicable where its operator can mean a network of tensors: those on strings, sequences, optional values,
quantised numbers and other domains are listed with the reason. Inputs that decide shapes (the sizes of a reshape) are
made initializers, as they are in models: nasc refuses architectures that depend on data.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, numpy_helper

from ..backends import emit_torch
from ..frontends import Lowered, lower_onnx
from ..ir import NascError

MAX_TRIES = 8


@dataclass(frozen=True)
class Outcome:
    """What became of one test: ``passed``, ``failed`` or ``refused``, and why."""

    status: str
    reason: str = ""


def subject(case: Any) -> str:
    """Return the operator that a test is about, by its name and its nodes."""
    ops = [node.op_type for node in case.model.graph.node]
    return ops[0] if len(set(ops)) == 1 else "(functions written out)"


def outcome(case: Any) -> Outcome:
    """Lower, emit and run a test on its own data."""
    inputs, expected = case.data_sets[0]
    try:
        lowered, left = lowered_with_constants(case.model, inputs)
    except NascError as error:
        return Outcome("refused", error.diagnostics[0].message)
    except Exception as error:
        return Outcome("failed", f"lowering: {type(error).__name__}: {error}")
    try:
        made = run(lowered, left)
    except NascError as error:
        return Outcome("failed", f"emission: {error.diagnostics[0].message}")
    except Exception as error:
        return Outcome("failed", f"running: {type(error).__name__}: {error}")
    return _compared(made, expected, case.rtol, case.atol)


def lowered_with_constants(model: ModelProto, inputs: list[Any]) -> tuple[Lowered, list[Any]]:
    """Return a test's model with the inputs that decide shapes as initializers, and the inputs that are left."""
    proto = ModelProto()
    proto.CopyFrom(model)
    given = {value.name: data for value, data in zip(proto.graph.input, inputs, strict=False)}
    for _ in range(MAX_TRIES):
        try:
            return lower_onnx(proto), [_tensor(given[v.name]) for v in proto.graph.input if v.name in given]
        except NascError as error:
            names = [name for d in error.diagnostics if d.code == "needs-constant" for name in [_named(d.message)]]
            fresh = [name for name in names if name in given]
            if not fresh and not (names and given):
                raise
            for name in fresh or list(given)[:1]:
                _freeze(proto, name, given.pop(name))
    raise AssertionError("unreachable: every turn freezes an input or ends")


def _named(message: str) -> str:
    return message.partition("'")[2].partition("'")[0]


def _freeze(model: ModelProto, name: str, data: Any) -> None:
    """Make an input an initializer."""
    kept = [value for value in model.graph.input if value.name != name]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.append(numpy_helper.from_array(_array(data), name))


def _tensor(data: Any) -> torch.Tensor:
    from ..frontends.onnx.tensors import to_torch

    return to_torch(_array(data))


def _array(data: Any) -> Any:
    """Return the numbers of a test's value, which is an array or, for types that numpy has not, a tensor."""
    return numpy_helper.to_array(data) if isinstance(data, onnx.TensorProto) else np.asarray(data)


def run(lowered: Lowered, inputs: list[Any]) -> list[Any]:
    """Return the outputs of the emitted model."""
    space: dict[str, Any] = {}
    exec(compile(emit_torch(lowered.module), "<emitted>", "exec"), space)
    model = space["build_model"]()
    model.load_state_dict(dict(lowered.weights), strict=False)
    with torch.no_grad():
        made = model.eval()(*inputs)
    return list(made) if isinstance(made, tuple | list) else [made]


def _compared(made: list[Any], expected: list[Any], rtol: float, atol: float) -> Outcome:
    if len(made) != len(expected):
        return Outcome("failed", f"{len(made)} outputs, not {len(expected)}")
    for ours, theirs in zip(made, expected, strict=True):
        wanted = _tensor(theirs)
        if ours.shape != wanted.shape or ours.dtype != wanted.dtype:
            return Outcome("failed", f"{ours.dtype}{list(ours.shape)}, not {wanted.dtype}{list(wanted.shape)}")
        exact = not (wanted.is_floating_point() or wanted.is_complex())
        slack = 0.0 if exact else max(atol, 1e-5)
        if not torch.allclose(ours, wanted, rtol=0 if exact else rtol, atol=slack, equal_nan=not exact):
            return Outcome("failed", "other numbers")
    return Outcome("passed")
