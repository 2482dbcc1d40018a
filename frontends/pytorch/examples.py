"""Example inputs: from shapes, from what the user's file says, or from its data loader."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ...ir import NascError, did_you_mean
from ..shapes import checked_shape
from ..source import Source
from .suggestions import suggested_shapes, tensors
from .userfile import told


def example_inputs(module: ModuleType, model: nn.Module, source: Source, data: str | None) -> tuple[Any, ...]:
    """Return what the file says the model takes. Raises NascError with the command that would say it."""
    path = Path(source.place).resolve()
    if data is not None:
        with told(path, f"{data} gives no batch"):
            return _from_loader(module, model, source, data)
    given = getattr(module, "example_inputs", None)
    if given is not None:
        with told(path, "example_inputs cannot be made"):
            return _of_batch(model, given() if callable(given) else given, f"example_inputs of {source.place}")
    shape = getattr(module, "input_shape", None)
    if shape is not None:
        several = isinstance(shape, Sequence) and shape and isinstance(shape[0], Sequence)
        return tensors([checked_shape(s, "input_shape") for s in (shape if several else [shape])])
    if not inspect.signature(model.forward).parameters:
        return ()
    raise NascError.of(
        f"{source.place} does not say what the model takes",
        f"nasc lower {_quoted(source.text)} {_options(model)}\n"
        "    or write input_shape = (1, 3, 32, 32) or example_inputs = (tensor, ...) into the file,\n"
        "    or name a data loader of the file with --data NAME",
        "no-input",
    )


def _of_batch(model: nn.Module, batch: object, what: str) -> tuple[Any, ...]:
    """Return the inputs that a batch gives: a dict by the names of forward's arguments, or whole where it takes a dict.

    Raises NascError where there is no tensor in it.
    """
    if isinstance(batch, dict):
        named = cast("dict[str, Any]", batch)
        names = [name for name in _arguments(model) if name in named] or _leading(model, named)
        inputs: tuple[Any, ...] = tuple(named[name] for name in names) or (named,)
    else:
        inputs = tuple(cast("list[Any]", batch)) if isinstance(batch, tuple | list) else (batch,)
    if any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(inputs)):
        return inputs
    hint = "expected a tensor, a tuple of tensors, or a dict of tensors"
    raise NascError.of(f"{what} is {type(batch).__name__}", hint, "no-input")


def _from_loader(module: ModuleType, model: nn.Module, source: Source, data: str) -> tuple[Any, ...]:
    """Return the inputs of the first batch; what follows them (labels) is left out.

    A loader is iterated over, a function called; a tensor, a tuple or a dict is a batch itself.
    """
    if not hasattr(module, data):
        loaders: list[str] = [name for name, value in vars(module).items() if hasattr(value, "batch_size")]
        hint = did_you_mean(data, loaders) or "the file defines no data loader"
        raise NascError.of(f"{source.place} has no {data!r}", hint, "no-data")
    given: Any = getattr(module, data)
    loader: Any = given() if not hasattr(given, "__iter__") and callable(given) else given
    batch: Any = loader if isinstance(loader, Tensor | tuple | dict) else next(iter(loader))
    if isinstance(batch, tuple | list):
        batch = tuple(cast("list[Any]", batch)[: max(len(_arguments(model)), 1)])
    return _of_batch(model, batch, f"the batch of {data} in {source.place}")


def _arguments(model: nn.Module) -> list[str]:
    """Return the names of the arguments that forward must be given."""
    return [parameter.name for parameter in _positional(model) if parameter.default is parameter.empty]


def _leading(model: nn.Module, batch: Mapping[str, Any]) -> list[str]:
    """Return the first of forward's arguments that a batch has, where it must be given none."""
    names = [] if _arguments(model) else [parameter.name for parameter in _positional(model)]
    return list(takewhile(lambda name: name in batch, names))


def _positional(model: nn.Module) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter for parameter in inspect.signature(model.forward).parameters.values() if parameter.kind in kinds]


def _options(model: nn.Module) -> str:
    """Return the options ``--input`` that the layers suggest, once an argument that forward must be given."""
    return " ".join(f"--input {_quoted(shape)}" for shape in suggested_shapes(model, max(len(_arguments(model)), 1)))


def _quoted(text: str) -> str:
    return f"'{text}'" if set(text) & set('()[]{}*?$&;| "') else text
