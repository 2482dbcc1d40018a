"""Layers of message passing, by whichever path fits the device: the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .relation import Joined, Step

Path = Literal["auto", "portable", "triton"]

NARROW = 64
NARROW_FORWARD = 128
"""Up to this width Triton computes a whole layer on the chip, with and without a gradient; beyond, the library
multiplies matrices. At 256 that is faster both ways; training at 128 was not measured (docs/benchmarks.md)."""


class Weights(NamedTuple):
    """The weights of one layer of width d and hidden width m.

    ``eps`` [1], ``ways`` [2d, d] (the maps of sources, then of readers), ``first`` [m, d] and ``first_bias`` [m],
    ``second`` [d, m] and ``second_bias`` [d].
    """

    eps: Tensor
    ways: Tensor
    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor


class Norm(NamedTuple):
    """The normalisation of states of width d: ``weight`` [d], ``bias`` [d], and what is added to the variance."""

    weight: Tensor
    bias: Tensor
    eps: float


def layers(
    h: Tensor, steps: Sequence[Step | Joined], stack: Sequence[tuple[Norm, Weights]], path: Path = "auto"
) -> Tensor:
    """Return states after layers that each make ``h_own + gin(norm(h))`` [rows, d] of states h [columns, d].

    Joined steps, which have no gradient, and any on a CPU where none is wanted, are computed in blocks.
    """
    free = not torch.is_grad_enabled()
    whole = [step for step in steps if isinstance(step, Step)]
    if len(whole) < len(steps) or (path == "auto" and not h.is_cuda and free):
        from .blocks import layers_in_blocks

        return layers_in_blocks(h, [step.joined if isinstance(step, Step) else step for step in steps], stack)
    if free and _by_triton(h, path) and h.shape[1] <= NARROW_FORWARD:
        from .fused import fused_layers

        return fused_layers(h, whole, stack)
    for step, (norm, weights) in zip(whole, stack, strict=True):
        x = F.layer_norm(h, (h.shape[1],), *norm)
        h = step.owned(h) + gin(x, step, weights, path)
    return h


def gin(x: Tensor, step: Step, weights: Weights, path: Path = "auto") -> Tensor:
    """Return new states [rows, d] of states x [columns, d], differentiable in x and the weights.

    ``second relu(first t + first_bias) + second_bias`` with
    ``t = (1 + eps) x_own + ways_0 sum(x_sources) + ways_1 sum(x_readers)``. With ``ways = [identity, 0]`` that is the
    graph isomorphism network of Xu et al. (2019). ``auto`` takes Triton for tensors on a GPU where it is installed.
    """
    if not _by_triton(x, path):
        from .portable import portable_gin

        return portable_gin(x, step, weights)
    if x.shape[1] <= NARROW:
        from .fused import fused_gin

        return fused_gin(x, step, weights)
    from .split import split_gin

    return split_gin(x, step, weights)


def _by_triton(x: Tensor, path: Path) -> bool:
    return path == "triton" or (path == "auto" and x.is_cuda and has_triton())


@cache
def has_triton() -> bool:
    """Return whether Triton is installed."""
    return find_spec("triton") is not None
