"""The Keras frontend: models of Keras 3, run by its torch backend, become modules layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir import TensorType
from ..lowered import Lowered
from .runtime import keras_with_torch, torch_backend

__all__ = ["keras_with_torch", "lower_keras", "torch_backend"]


def lower_keras(model: Any, types: Sequence[TensorType] = (), source: str = "") -> Lowered:
    """Return a Keras model, in evaluation mode, as a module with its weights in PyTorch's layout.

    Images are channels-first in the module whatever they are in Keras: notes ``input_axes`` and ``output_axes`` say
    for each axis of the module's inputs and outputs which axis of Keras it is (``0312``). ``types`` are the inputs as
    Keras takes them, needed where the model leaves sizes open. A model that is no graph of known layers is traced by
    torch.export instead, with a warning that says which layer was not known.

    Raises:
        NascError: where Keras runs on another backend, sizes are missing, or neither way can lower the model.
    """
    keras_with_torch()
    from .lowering import lower_model

    return lower_model(model, types, source)
