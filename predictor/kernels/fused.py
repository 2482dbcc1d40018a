"""Layers that stay on the chip: launches the Triton programs, and gives them their gradient."""

# A decorator of torch makes the first argument of `backward` positional.
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable
from triton import knobs

from .message import Norm, Weights
from .programs import hidden_backward, layer_forward, states_backward
from .relation import Step

ROWS = 64
ROWS_BACK = 32
"""Rows a program. Forward the best of 16, 32 and 64 on an H100; backward what was tested there, nothing else tried."""


def fused_gin(x: Tensor, step: Step, weights: Weights) -> Tensor:
    """Return what :func:`.message.gin` describes; x and the weights are all float32 or all bfloat16."""
    result: Tensor = _Layer.apply(x.contiguous(), step, *(weight.contiguous() for weight in weights))
    return result


def fused_layers(h: Tensor, steps: Sequence[Step], stack: Sequence[tuple[Norm, Weights]]) -> Tensor:
    """Return what :func:`.message.layers` describes, without a gradient: a program a layer, and one before them all."""
    x = F.layer_norm(h, (h.shape[1],), *stack[0][0]) if stack else h
    for i, (step, (_, weights)) in enumerate(zip(steps, stack, strict=True)):
        after = stack[i + 1][0] if i + 1 < len(stack) else None
        new = h.new_empty(step.rows, h.shape[1])
        normal = torch.empty_like(new) if after else new
        if step.rows:
            _forward(x, step, weights, new, normal, h, after)
        h, x = new, normal
    return h


class _Layer(torch.autograd.Function):
    """One layer; keeps the input of the hidden layer for the gradient, and makes the hidden layer anew."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Step, *weights: Tensor) -> Tensor:
        """Return new states [rows, d] of x [columns, d]."""
        keep = any(ctx.needs_input_grad)
        out = x.new_empty(step.rows, x.shape[1])
        total = torch.empty_like(out) if keep else out
        layer = Weights(*weights)
        if step.rows:
            _forward(x, step, layer, out, total)
        if keep:
            ctx.step = step
            ctx.save_for_backward(x, total, *weights)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and the weights; those of the weights are plain products of matrices."""
        x, total, *weights = ctx.saved_tensors
        layer, step = Weights(*weights), ctx.step
        above = gradients[0].contiguous()
        middle, slope, inner = _hidden(total, above, layer)
        result, ahead, back = _states(inner, x, step, layer)
        eps = (inner * step.owned(x)).sum(dtype=torch.float32).to(x.dtype).reshape(layer.eps.shape)
        ways = torch.cat([ahead.T @ x, back.T @ x])
        return result, None, eps, ways, slope.T @ total, slope.sum(0), above.T @ middle, above.sum(0)


def _grid(count: int, rows: int) -> tuple[int]:
    return (triton.cdiv(count, rows),)


def blocks(width: int, rows: int) -> dict[str, Any]:
    """Return the block sizes for states of this width: what 160 KiB of shared memory hold."""
    return {
        "ROWS": rows,
        "WIDTH": max(16, triton.next_power_of_2(width)),
        "CHUNK": 32,
        "WIDE": bool(knobs.runtime.interpret),
        "num_warps": 4,
        "num_stages": 1,
    }


def _forward(
    x: Tensor,
    step: Step,
    weights: Weights,
    out: Tensor,
    kept: Tensor,
    h: Tensor | None = None,
    after: Norm | None = None,
) -> None:
    """Write new states, those of h added, and to ``kept``, if it is another tensor, them normalised or what it took."""
    own, sources, readers = step.ownership, step.sources, step.readers
    norm = after or Norm(weights.second_bias, weights.second_bias, 0.0)  # not read where there is none
    keep = kept is not out and after is None
    sizes: dict[str, Any] = {
        **blocks(x.shape[1], ROWS),
        "KEEP": keep,
        "ADD": h is not None,
        "NORMAL": after is not None,
    }
    layer_forward[_grid(step.rows, ROWS)](
        x, x if h is None else h, out, kept, own.start, own.index, sources.start, sources.index, readers.start,
        readers.index, *weights, *norm, step.rows, x.shape[1], weights.first.shape[0], **sizes,
    )  # fmt: skip


def _hidden(total: Tensor, gradient: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Return the hidden layer [rows, m], its gradient before the ReLU, and that of its input [rows, d]."""
    hidden = weights.first.shape[0]
    middle = total.new_empty(len(total), hidden)
    slope, inner = torch.empty_like(middle), torch.empty_like(total)
    if len(total):
        hidden_backward[_grid(len(total), ROWS_BACK)](
            total, gradient, weights.first, weights.first_bias, weights.second, middle, slope, inner,
            len(total), total.shape[1], hidden, **blocks(total.shape[1], ROWS_BACK),
        )  # fmt: skip
    return middle, slope, inner


def _states(inner: Tensor, x: Tensor, step: Step, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of x, and the sums of ``inner`` over the readers and over the sources of each state."""
    result, ahead, back = torch.empty_like(x), torch.empty_like(x), torch.empty_like(x)
    own, sources, readers = (r.transposed for r in (step.ownership, step.sources, step.readers))
    if len(x):
        states_backward[_grid(len(x), ROWS_BACK)](
            inner, result, ahead, back, own.start, own.index, sources.start, sources.index, readers.start,
            readers.index, weights.eps, weights.ways, len(x), x.shape[1], **blocks(x.shape[1], ROWS_BACK),
        )  # fmt: skip
    return result, ahead, back
