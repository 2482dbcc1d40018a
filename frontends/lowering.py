"""Lowering of a PyTorch model that is at hand as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lowered import Lowered

if TYPE_CHECKING:
    from torch import Tensor, nn


def lower(model: nn.Module, *example_inputs: Tensor, dynamic_batch: bool = True, source: str = "") -> Lowered:
    """Return a model, in evaluation mode, as a module of the IR with its weights.

    The model is captured by torch.export on ``example_inputs``, which runs its ``forward``. Axis 0 of all inputs
    of one size is the batch, the symbol N of the IR; ``dynamic_batch=False``, or a model that fixes its batch,
    keeps the example's (the latter with a warning). Each node keeps its layer's path and the source line. The
    weights share memory with the model. ``source`` is noted on the module.

    Raises:
        NascError: with the line of the model, where it cannot be captured; with every operation that has no op.
    """
    from .pytorch.lowering import lower_model

    return lower_model(model, example_inputs, dynamic_batch, source)
