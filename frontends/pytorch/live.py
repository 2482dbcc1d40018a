"""Live models: what a source names as the user's own nn.Module, to be run and not only lowered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ...ir import NascError, TensorType
from ..frameworks import is_keras_model, is_tensorflow_function
from ..source import Source
from .examples import example_inputs
from .finding import find_model
from .suggestions import tensors
from .userfile import imported
from .zoo import build_timm, build_torchvision


@dataclass(frozen=True)
class Live:
    """A model and example inputs for its ``forward``."""

    model: nn.Module
    inputs: tuple[Any, ...]


@contextmanager
def live_model(
    source: Source,
    types: tuple[TensorType, ...],
    data: str | None,
    otherwise: Callable[[], tuple[TensorType, ...]] = tuple,
) -> Generator[Live | None]:
    """Build the model of a Python file or library under seed 0, as lowering does, and keep its file imported.

    ``otherwise`` are the types of its inputs where the file does not say them. None where the file holds a model of
    another framework. Raises NascError as lowering does.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if source.kind == "python":
            with imported(source.place) as module:
                torch.manual_seed(0)
                if is_tensorflow_function(getattr(module, source.name, None)):
                    yield None
                    return
                model = find_model(module, source)
                if is_keras_model(model):
                    yield None
                    return
                yield Live(model, tensors(types) if types else _said(module, model, source, data, otherwise))
        else:
            model, default = (build_timm if source.kind == "timm" else build_torchvision)(source)
            yield Live(model, tensors(types or default))


def _said(
    module: ModuleType,
    model: nn.Module,
    source: Source,
    data: str | None,
    otherwise: Callable[[], tuple[TensorType, ...]],
) -> tuple[Any, ...]:
    """Return the inputs that the file says, else such as ``otherwise`` tells. Raises NascError where neither does."""
    try:
        return example_inputs(module, model, source, data)
    except NascError as error:
        types = otherwise() if {d.code for d in error.diagnostics} <= {"no-input", "no-data"} else ()
        if not types:
            raise
        return tensors(types)
