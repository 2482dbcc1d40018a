"""What the Keras tests share: a model lowered and emitted, held against Keras itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nasc.backends import emit_torch
from nasc.frontends import Lowered
from nasc.frontends.keras import keras_with_torch, lower_keras
from nasc.ir import verify

keras_with_torch()


def emitted(lowered: Lowered, folder: Path) -> nn.Module:
    """Return the emitted PyTorch of a lowered model, with its weights."""
    path = folder / "emitted.py"
    path.write_text(emit_torch(lowered.module), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("emitted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: nn.Module = module.build_model()
    own = model.state_dict()
    model.load_state_dict({key: value for key, value in lowered.weights.items() if key in own})
    return model.eval()


def ordered(tensors: list[Tensor], axes: object) -> list[Tensor]:
    """Return Keras's tensors with axes as the module has them, from its note."""
    orders = [[int(axis) for axis in order] for order in str(axes).split(",")]
    return [tensor.permute(order) for tensor, order in zip(tensors, orders, strict=True)]


def shake(model: Any) -> None:
    """Give every weight numbers that a mistake would show in."""
    torch.manual_seed(0)
    for variable in model.weights:
        if str(variable.dtype).startswith("float"):
            low = 0.5 if "variance" in variable.path else -0.5
            variable.assign(torch.rand(tuple(variable.shape)) + low)


def listed(value: Any) -> list[Tensor]:
    """Return one tensor, or several, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.fixture
def built(tmp_path: Path) -> Callable[[Lowered], nn.Module]:
    """Return ``built(lowered)``, the emitted PyTorch with its weights."""
    return lambda lowered: emitted(lowered, tmp_path)


@pytest.fixture
def same(tmp_path: Path) -> Callable[..., Lowered]:
    """Return a check: lower a Keras model layer by layer, and hold the emitted PyTorch to Keras's own output."""

    def check(model: Any, tolerance: float = 1e-4) -> Lowered:
        shake(model)
        lowered = lower_keras(model)
        assert verify(lowered.module) == ()
        assert [d.message for d in lowered.diagnostics if d.severity != "note"] == []
        inputs: list[Tensor] = []
        for tensor in model.inputs:
            shape = (2, *tensor.shape[1:])
            whole = str(tensor.dtype).startswith("int")
            inputs.append(torch.randint(0, 5, shape, dtype=torch.int32) if whole else torch.randn(shape))
        notes = lowered.module.notes
        with torch.no_grad():
            wanted = listed(model(inputs if len(inputs) > 1 else inputs[0], training=False))
            got = listed(emitted(lowered, tmp_path)(*ordered(inputs, notes["input_axes"])))
        for ours, theirs in zip(got, ordered(wanted, notes["output_axes"]), strict=True):
            assert ours.shape == theirs.shape
            assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max().clamp(min=1e-6)
        return lowered

    return check
