"""Layers too wide to stay on the chip: Triton sums what rows receive, the library multiplies matrices."""

# A decorator of torch makes the first argument of `backward` positional.
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable

from .message import Weights
from .programs import received_backward, received_forward
from .relation import Step

ROWS = 4
WIDTH = 128
WARPS = 2
"""Rows, columns and warps a program: on an H100 the best, by little, of 4 to 32 rows and 64 to 256 columns."""


def split_gin(x: Tensor, step: Step, weights: Weights) -> Tensor:
    """Return what :func:`.message.gin` describes; x and the weights are of one type."""
    total: Tensor = _Received.apply(x.contiguous(), F.linear(x, weights.ways), weights.eps, step)
    hidden = F.linear(total, weights.first, weights.first_bias).relu_()
    return F.linear(hidden, weights.second, weights.second_bias)


class _Received(torch.autograd.Function):
    """The sums of a layer, after the maps of sources and readers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sent: Tensor, eps: Tensor, step: Step) -> Tensor:
        """Return sums [rows, d] of x [columns, d] and of what each sends to readers and to sources [columns, 2 d]."""
        out = x.new_empty(step.rows, x.shape[1])
        own, sources, readers = step.ownership, step.sources, step.readers
        if step.rows:
            received_forward[_grid(*out.shape)](
                x, sent, out, own.start, own.index, sources.start, sources.index, readers.start, readers.index,
                eps, step.rows, x.shape[1], **blocks(x.shape[1]),
            )  # fmt: skip
        ctx.step = step
        ctx.save_for_backward(x, eps)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, of what is sent, and of eps."""
        (x, eps), step, above = ctx.saved_tensors, ctx.step, gradients[0].contiguous()
        result, sent = torch.empty_like(x), x.new_empty(len(x), 2 * x.shape[1])
        own, sources, readers = (r.transposed for r in (step.ownership, step.sources, step.readers))
        if len(x):
            received_backward[_grid(*x.shape)](
                above, result, sent, own.start, own.index, sources.start, sources.index,
                readers.start, readers.index, eps, len(x), x.shape[1], **blocks(x.shape[1]),
            )  # fmt: skip
        return result, sent, (above * step.owned(x)).sum(dtype=torch.float32).to(x.dtype).reshape(eps.shape), None


def blocks(width: int) -> dict[str, Any]:
    """Return the block sizes for states of this width."""
    columns = min(WIDTH, max(16, triton.next_power_of_2(width)))
    return {"ROWS": ROWS, "WIDTH": columns, "num_warps": WARPS, "num_stages": 1}


def _grid(rows: int, width: int) -> tuple[int, int]:
    sizes = blocks(width)
    return triton.cdiv(rows, sizes["ROWS"]), triton.cdiv(width, sizes["WIDTH"])
