"""What the frontend tests share: the reference interpreter, and lowering held against the original."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nasc.frontends import Lowered, lower
from nasc.ir import verify


def _interpreter() -> Any:
    spec = importlib.util.spec_from_file_location("interpreter", Path(__file__).parent / "interpreter.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN: Callable[..., tuple[Tensor, ...]] = _interpreter().run


@pytest.fixture
def run() -> Callable[..., tuple[Tensor, ...]]:
    """Return the interpreter's ``run(module, weights, *inputs)``."""
    return RUN


@pytest.fixture
def same() -> Callable[..., Lowered]:
    """Return a check: lower a model, run it on other inputs of another batch, compare with the model itself."""

    def check(model: nn.Module, *inputs: Tensor, batch: int | None = 3, tolerance: float = 1e-4) -> Lowered:
        torch.manual_seed(0)
        model = model.eval()
        lowered = lower(model, *inputs)
        assert verify(lowered.module) == ()
        told = {diagnostic.code for diagnostic in lowered.diagnostics} - {"training-form", "gradients-end"}
        assert told == (set() if batch is not None else {"static-batch"}), lowered.diagnostics
        fresh = inputs if batch is None else tuple(rebatched(x, batch) for x in inputs)
        with torch.no_grad():
            wanted = model(*(x.clone() for x in fresh))
            got = RUN(lowered.module, lowered.weights, *fresh)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        assert len(got) == len(wanted)
        for ours, theirs in zip(got, wanted, strict=True):
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            difference = (ours.double() - theirs.double()).abs().max()
            assert difference <= tolerance * theirs.double().abs().max().clamp(min=1e-6)
        return lowered

    return check


def rebatched(x: Tensor, batch: int) -> Tensor:
    """Return an input with other values and another batch."""
    shape = (batch, *x.shape[1:])
    if x.dtype.is_floating_point:
        return torch.randn(shape, dtype=x.dtype)
    return torch.randint(0, 2, shape).to(x.dtype)
