"""Example inputs: from shapes, from what the user's file says, or from its data loader."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ...ir import DType, NascError, TensorType, did_you_mean
from ..shapes import checked_shape, parse_shape
from ..source import Source
from .sizes import TORCH_DTYPES
from .userfile import told


def tensors(types: Sequence[TensorType]) -> tuple[Tensor, ...]:
    """Return example tensors: normal numbers for floats, zeros for integers (valid indices), ones for truth values."""
    made: list[Tensor] = []
    for type in types:
        dtype, shape = TORCH_DTYPES[type.dtype], [int(str(size)) for size in type.shape]
        if type.dtype.is_floating:
            made.append(torch.randn(shape).to(dtype))
        else:
            made.append(torch.full(shape, type.dtype is DType.BOOL, dtype=dtype))
    return tuple(made)


def example_inputs(module: ModuleType, model: nn.Module, source: Source, data: str | None) -> tuple[Any, ...]:
    """Return what the file says the model takes. Raises NascError with the command that would say it."""
    path = Path(source.place).resolve()
    if data is not None:
        with told(path, f"{data} gives no batch"):
            return _from_loader(module, model, source, data)
    given = getattr(module, "example_inputs", None)
    if given is not None:
        with told(path, "example_inputs cannot be made"):
            return _as_inputs(given() if callable(given) else given, source)
    shape = getattr(module, "input_shape", None)
    if shape is not None:
        several = isinstance(shape, Sequence) and shape and isinstance(shape[0], Sequence)
        return tensors([checked_shape(s, "input_shape") for s in (shape if several else [shape])])
    if not inspect.signature(model.forward).parameters:
        return ()
    raise NascError.of(
        f"{source.place} does not say what the model takes",
        f"nasc lower {_quoted(source.text)} {_guess(model)}\n"
        "    or write input_shape = (1, 3, 32, 32) or example_inputs = (tensor, ...) into the file,\n"
        "    or name a data loader of the file with --data NAME",
        "no-input",
    )


def _as_inputs(given: object, source: Source) -> tuple[Any, ...]:
    inputs = (given,) if isinstance(given, Tensor) else given
    if isinstance(inputs, tuple | list) and any(isinstance(item, Tensor) for item in inputs):
        return tuple(inputs)
    raise NascError.of(
        f"example_inputs of {source.place} is {type(given).__name__}",
        "expected a tensor or a tuple of tensors",
        "no-input",
    )


def _from_loader(module: ModuleType, model: nn.Module, source: Source, data: str) -> tuple[Any, ...]:
    """Return the inputs of the first batch; what follows them (labels) is left out."""
    if not hasattr(module, data):
        loaders: list[str] = [name for name, value in vars(module).items() if hasattr(value, "batch_size")]
        hint = did_you_mean(data, loaders) or "the file defines no data loader"
        raise NascError.of(f"{source.place} has no {data!r}", hint, "no-data")
    loader: Any = getattr(module, data)
    batch = next(iter(loader if hasattr(loader, "__iter__") else loader()))
    names = _forward_arguments(model)
    if isinstance(batch, dict):
        return tuple(batch[name] for name in names if name in batch)
    if isinstance(batch, tuple | list):
        return _as_inputs(tuple(batch[: max(len(names), 1)]), source)
    return _as_inputs(batch, source)


def _forward_arguments(model: nn.Module) -> list[str]:
    """Return the names of the arguments that forward must be given."""
    parameters = inspect.signature(model.forward).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in positional]


def _guess(model: nn.Module) -> str:
    """Return the ``--input`` that the first layer suggests, once an argument of forward.

    Of several sizes it is the first that the model runs on, where it takes one tensor.
    """
    count, shapes = max(len(_forward_arguments(model)), 1), _first_shapes(model)
    fitting = (shape for shape in shapes if _runs(model, shape)) if count == 1 and len(shapes) > 1 else iter(shapes)
    shown = _quoted(next(fitting, shapes[0]))
    return " ".join([f"--input {shown}"] * count)


def _first_shapes(model: nn.Module) -> list[str]:
    for module in model.modules():
        if isinstance(module, nn.Conv1d):
            return [f"1x{module.in_channels}x128"]
        if isinstance(module, nn.Conv2d):
            return [f"1x{module.in_channels}x{side}x{side}" for side in SIDES]
        if isinstance(module, nn.Conv3d):
            return [f"1x{module.in_channels}x16x32x32"]
        if isinstance(module, nn.RNNBase):
            return [f"1x128x{module.input_size}"]
        if isinstance(module, nn.Linear):
            return [f"1x{module.in_features}"]
        if isinstance(module, nn.Embedding):
            return ["i64[1,128]"]
    return ["1x3x32x32"]


SIDES = (32, 28, 224, 64, 96, 128, 256, 299)
"""Sides of images that are tried on a model that does not say what it takes."""


def _runs(model: nn.Module, shape: str) -> bool:
    """Return whether a model can be run on an input, in evaluation mode and without gradients."""
    training = [module for module in model.modules() if module.training]
    try:
        with torch.no_grad():
            model.eval()(*tensors([parse_shape(shape)]))
    except Exception:  # whatever the user's code raises: the model does not take this
        return False
    finally:
        for module in training:
            module.training = True
    return True


def _quoted(text: str) -> str:
    return f"'{text}'" if set(text) & set('()[]{}*?$&;| "') else text
