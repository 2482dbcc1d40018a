"""The TensorFlow frontend: SavedModels and functions of tf.function, by way of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir import TensorType
from ..lowered import Lowered


def lower_saved_model(place: str, types: Sequence[TensorType] = (), source: str = "") -> Lowered:
    """Return the serving function of a SavedModel's folder as a module, channels-first, with its weights.

    ``types`` are the inputs as the function takes them, needed where its signature leaves sizes open.

    Raises:
        NascError: where the folder holds no such model, sizes are missing, or an operation has no op.
    """
    from .conversion import saved_model

    return saved_model(place, types, source)


def lower_function(function: Any, types: Sequence[TensorType] = (), source: str = "") -> Lowered:
    """Return a function that tf.function made as a module, channels-first, with the weights that it reads.

    Raises:
        NascError: where sizes are missing, or an operation has no op.
    """
    from .conversion import traced

    return traced(function, types, source)


__all__ = ["lower_function", "lower_saved_model"]
