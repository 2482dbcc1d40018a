"""The way round for models with code of their own: torch.export of the Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from ...ir import Diagnostic, TensorType
from ...passes.transposes import CancelTransposes
from ..lowered import Lowered
from ..pytorch.capture import quiet
from ..pytorch.lowering import evaluated
from ..pytorch.suggestions import tensors


class _Called(nn.Module):
    """A Keras model as a module whose ``forward`` has named arguments, as torch.export wants it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Any) -> Any:
        """Call the model as Keras is called: several inputs are one list."""
        return self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)


def exported(model: Any, types: Sequence[TensorType], source: str, why: Diagnostic) -> Lowered:
    """Return a Keras model as torch.export sees it, inputs as Keras takes them. Raises NascError."""
    examples = tensors([type.with_shape(1, *type.shape[1:]) for type in types])
    with quiet():
        lowered = evaluated(_Called(model), examples, True, source)
    module = CancelTransposes()(lowered.module).annotate(framework="keras")
    return replace(lowered, module=module, diagnostics=(why, *lowered.diagnostics))
