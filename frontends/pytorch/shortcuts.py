"""Shortcuts that PyTorch takes by looking at sizes, values or the mode, left out while a model is captured."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import torch.nn.functional as F
from torch.backends import opt_einsum
from torch.nn.modules import transformer


@contextmanager
def no_shortcuts() -> Generator[None]:
    """Let PyTorch compute the same without a look at what is not known while it is captured, for the block.

    To contract three tensors in the best order it compares sizes, which fixes the batch; to find that a mask of
    nn.Transformer is the causal one it compares values, which cannot be captured. The dropout of nn.MultiheadAttention
    is left out in evaluation mode, in which models are captured, so that emitted code would train without it.
    """
    layers, einsum, functions = cast("Any", transformer), cast("Any", opt_einsum), cast("Any", F)
    detect, best, attention = layers._detect_is_causal_mask, einsum.enabled, functions.multi_head_attention_forward
    layers._detect_is_causal_mask = lambda mask, is_causal=None, size=None: bool(is_causal)
    einsum.enabled = False
    functions.multi_head_attention_forward = _with_dropout(attention)
    try:
        yield
    finally:
        layers._detect_is_causal_mask, einsum.enabled = detect, best
        functions.multi_head_attention_forward = attention


def _with_dropout(attention: Callable[..., Any]) -> Callable[..., Any]:
    """Return multi-head attention that does not forget its dropout in evaluation mode."""

    def run(*arguments: Any, **options: Any) -> Any:
        return attention(*arguments, **{**options, "training": True})

    return run
