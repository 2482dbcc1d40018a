"""Recurrent layers while a model is captured: one step tells the shapes of all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_STEPPED = ("one_layer_rnn", "one_layer_lstm", "mkldnn_one_layer_lstm")


@contextmanager
def one_step() -> Generator[None]:
    """Let torch.export reckon the shapes of LSTM, GRU and RNN from their first step, for the block.

    It keeps the layer as one call, but to learn its shapes it runs PyTorch's decomposition over every step, 14 seconds
    for 128 steps of a GRU of two layers. Values are never read there: all tensors are fake.
    """
    module = import_module("torch._decomp.decompositions")
    whole = {name: getattr(module, name) for name in _STEPPED if hasattr(module, name)}
    for name, function in whole.items():
        setattr(module, name, _first(function))
    try:
        yield
    finally:
        for name, function in whole.items():
            setattr(module, name, function)


def _first(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the layer that runs the first step of a sequence [steps, batch, features] and repeats what comes out."""

    def run(sequence: Any, *arguments: Any, **options: Any) -> Any:
        steps = sequence.shape[0]
        if not isinstance(steps, int) or steps < 2:
            return function(sequence, *arguments, **options)
        out, state = function(sequence[:1], *arguments, **options)
        return out.repeat(steps, *(1 for _ in out.shape[1:])), state

    return run
