"""Suggestions: the shapes of inputs that a model runs on, guessed from its layers and tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

import torch
from torch import Tensor, nn

from ...ir import DType, TensorType
from ..shapes import parse_shape
from .sizes import TORCH_DTYPES, dtype_of

SIDES = (32, 28, 224, 64, 96, 128, 256, 299)
"""Sides of images that are tried on a model that does not say what it takes."""

LENGTHS = (128, 16)
"""Lengths of sequences that are tried."""

TRIALS = 64
"""How often a model is run to find what it takes."""


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


def suggested_shapes(model: nn.Module, count: int) -> tuple[str, ...]:
    """Return shapes for so many inputs, as ``--input`` takes them: the first that the model runs on.

    Where it runs on none that its layers suggest, the first layer alone decides.
    """
    found = list(dict.fromkeys(shape for module in model.modules() for shape in _shapes(module)))
    first = found[0] if found else "1x3x32x32"
    choices = product(found, repeat=1) if count == 1 else product(_varied(found), repeat=count)
    return next((shapes for shapes in islice(choices, TRIALS) if _runs(model, shapes)), (first,) * count)


def _varied(shapes: Sequence[str]) -> list[str]:
    """Return shapes for a model of several inputs: few of each layer's, and a number for each of the batch."""
    images = [shape for shape in shapes if shape.count("x") == 3][:2]
    return [*images, *(shape for shape in shapes if shape.count("x") != 3), "i64[1]"]


def _shapes(module: nn.Module) -> Iterator[str]:
    """Yield the shapes that a layer could take, had it been given the input itself."""
    if isinstance(module, nn.Embedding):
        yield from (f"i64[1,{length}]" for length in LENGTHS)
    elif isinstance(module, nn.Conv1d):
        yield _text(module, 1, module.in_channels, 128)
    elif isinstance(module, nn.Conv2d):
        yield from (_text(module, 1, module.in_channels, side, side) for side in SIDES)
    elif isinstance(module, nn.Conv3d):
        yield _text(module, 1, module.in_channels, 16, 32, 32)
    elif isinstance(module, nn.RNNBase):
        yield _text(module, 1, 128, module.input_size)
    elif isinstance(module, nn.Linear):
        yield _text(module, 1, module.in_features)
        yield from (_text(module, 1, length, module.in_features) for length in LENGTHS)


def _text(module: nn.Module, *sizes: int) -> str:
    """Return a shape as text, with the dtype of a layer's weights where these are not in single precision."""
    dtype = next((parameter.dtype for parameter in module.parameters()), torch.float32)
    if dtype is torch.float32:
        return "x".join(map(str, sizes))
    return f"{dtype_of(dtype).value}[{','.join(map(str, sizes))}]"


def _runs(model: nn.Module, shapes: Sequence[str]) -> bool:
    """Return whether a model can be run on inputs, in evaluation mode and without gradients."""
    training = [module for module in model.modules() if module.training]
    try:
        with torch.no_grad():
            model.eval()(*tensors([parse_shape(shape) for shape in shapes]))
    except Exception:  # whatever the user's code raises: the model does not take this
        return False
    finally:
        for module in training:
            module.training = True
    return True
