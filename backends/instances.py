"""Instances: an emitted module as a live nn.Module, with fresh weights or with given ones."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib.abc import InspectLoader
from typing import TYPE_CHECKING, Any

from ..ir import Diagnostic, Module, NascError

if TYPE_CHECKING:
    from torch import Tensor, nn

_SHOWN = 8


class _Emitted(InspectLoader):
    """Imports source text that never was a file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        """Return the text."""
        return self.text


def instantiate(module: Module, weights: Mapping[str, Tensor] | None = None, seed: int = 0) -> nn.Module:
    """Return the PyTorch model that a module describes, in evaluation mode, on the CPU.

    The source that ``emit_torch`` writes is imported and its ``build_model()`` called under ``seed``; the caller's
    random state is kept. ``weights`` are put in by their state-dict keys; what the model does not own is left aside.

    Raises:
        NascError: where the module cannot be emitted, and for every tensor that is missing or has another shape.
    """
    import torch

    from .pytorch import emit_torch

    loader = _Emitted(emit_torch(module))
    spec = importlib.util.spec_from_loader("nasc_emitted", loader)
    assert spec is not None
    emitted: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(emitted)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = emitted.build_model()
    if weights is not None:
        load_weights(model, weights)
    return model.eval()


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Return all tensors of a model by key, tied ones under each key: its state dict, then the other buffers."""
    state = {key: value.detach() for key, value in model.state_dict(keep_vars=True).items()}
    return {**state, **{k: v for k, v in model.named_buffers(remove_duplicate=False) if k not in state}}


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a model by key; counters of batches may be left out, and other buffers than the state's.

    Raises:
        NascError: for every tensor that is missing or has another shape, with what would fit.
    """
    import torch

    state = model.state_dict(keep_vars=True)
    own = tensors_of(model)
    optional = {key for key in own if key not in state or key.endswith("num_batches_tracked")}
    problems = [_missing(key, own[key], weights) for key in own if key not in weights and key not in optional]
    problems += [
        Diagnostic(
            f"weight {key} is {shape_text(weights[key])}",
            f"the model takes {shape_text(own[key])}",
            "weights",
        )
        for key in own
        if key in weights and weights[key].shape != own[key].shape
    ]
    if problems:
        raise NascError(*problems[:_SHOWN], *_more(len(problems) - _SHOWN))
    with torch.no_grad():
        for key, tensor in own.items():
            if key in weights:
                tensor.copy_(weights[key])


def shape_text(tensor: Tensor) -> str:
    """Return a tensor's shape, ``[64,3,7,7]``."""
    return f"[{','.join(map(str, tensor.shape))}]"


def _missing(key: str, tensor: Tensor, weights: Mapping[str, Tensor]) -> Diagnostic:
    from ..ir import did_you_mean

    hint = did_you_mean(key, weights) if weights else "the file is empty"
    return Diagnostic(f"there is no weight {key} {shape_text(tensor)}", hint, "weights")


def _more(count: int) -> list[Diagnostic]:
    return [Diagnostic(f"and {count} more of these", code="weights")] if count > 0 else []
