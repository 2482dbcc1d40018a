"""A Keras model that a user's file holds: what it takes, and its lowering."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ...ir import TensorType
from ..lowered import Lowered
from ..shapes import checked_shape
from ..source import Source
from . import lower_keras


def lower_found(module: ModuleType, model: Any, types: Sequence[TensorType], source: Source) -> Lowered:
    """Return the model, for the inputs given, or those that the file states as ``input_shape``, or its own."""
    shape = getattr(module, "input_shape", None)
    if not types and shape is not None:
        several = isinstance(shape, Sequence) and shape and isinstance(shape[0], Sequence)
        types = [checked_shape(one, "input_shape") for one in (shape if several else [shape])]
    return lower_keras(model, types, source.text)
