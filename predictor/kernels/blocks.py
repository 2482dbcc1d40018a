"""Layers without a gradient on a CPU: block after block of rows, so that what one step makes is near for the next.

All layers work in the same few tensors: one made anew for each costs more than filling it, since the system hands
memory out page by page. No bias is added by a pass of its own: ``relu(z + b)`` is ``max(z, -b) + b``, and what the
second map makes of ``b`` is a constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .message import Norm, Weights
from .relation import WAYS, Joined

ROWS = 2048
"""Rows a block."""


def layers_in_blocks(h: Tensor, steps: Sequence[Joined], stack: Sequence[tuple[Norm, Weights]]) -> Tensor:
    """Return what :func:`.message.layers` describes; needs no gradient."""
    width, rows = h.shape[1], max((step.rows for step in steps), default=0)
    sent = h.new_empty(max((step.columns for step in steps), default=0), width)
    states = [h.new_empty(rows, width) for _ in steps[:2]]
    middle = h.new_empty(min(ROWS, rows), max((len(weights.first) for _, weights in stack), default=0))
    for i, (step, (norm, weights)) in enumerate(zip(steps, stack, strict=True)):
        out = states[i % 2][: step.rows]
        _send(h, norm, weights, sent[: WAYS * len(h)].view(len(h), WAYS * width))
        _receive(h, step, weights, sent, middle, out)
        h = out
    return h


def _send(h: Tensor, norm: Norm, weights: Weights, sent: Tensor) -> None:
    """Write what states h [n, d] send: to the row that continues them, to their readers, to their sources [n, 3 d]."""
    width, ways, own = h.shape[1], weights.ways.T.contiguous(), 1 + weights.eps
    for row in range(0, len(h), ROWS):
        x = F.layer_norm(h[row : row + ROWS], (width,), *norm)
        block = sent[row : row + ROWS]
        torch.mul(x, own, out=block[:, :width])
        torch.mm(x, ways, out=block[:, width:])


def _receive(h: Tensor, step: Joined, weights: Weights, sent: Tensor, middle: Tensor, out: Tensor) -> None:
    """Write the new states [rows, d] of states h [n, d] of which this was sent, with room for hidden ones."""
    constant = weights.second @ weights.first_bias + weights.second_bias
    first, second, least = weights.first.T.contiguous(), weights.second.T.contiguous(), -weights.first_bias
    for row in range(0, len(out), ROWS):
        start = step.start[row : row + ROWS + 1]
        index = step.index[start[0] : start[-1]]
        total = F.embedding_bag(index, sent, start - start[0], mode="sum", include_last_offset=True)
        hidden = middle[: len(total), : first.shape[1]]
        torch.mm(total, first, out=hidden)
        torch.maximum(hidden, least, out=hidden)
        block = out[row : row + ROWS]
        torch.index_select(h, 0, step.own[row : row + ROWS], out=block)
        block.add_(constant).addmm_(hidden, second)
