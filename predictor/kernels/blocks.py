"""A layer without a gradient on a CPU: block after block of rows, so that what one step makes is near for the next.

No bias is added by a pass of its own: ``relu(z + b)`` is ``max(z, -b) + b``, and what the second map makes of ``b``
is a constant.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .message import Norm, Weights
from .relation import WAYS, Joined

ROWS = 2048
"""Rows a block."""


def layer_in_blocks(h: Tensor, joined: Joined, norm: Norm, weights: Weights) -> Tensor:
    """Return what :func:`.message.layer` describes; needs no gradient."""
    sent = _sent(h, norm, weights)
    constant = weights.second @ weights.first_bias + weights.second_bias
    out = (h + constant).index_select(0, joined.own)
    first, second, least = weights.first.T.contiguous(), weights.second.T.contiguous(), -weights.first_bias
    middle = h.new_empty(min(ROWS, len(out)), first.shape[1])
    for row in range(0, len(out), ROWS):
        block = out[row : row + ROWS]
        start = joined.start[row : row + ROWS + 1]
        index = joined.index[start[0] : start[-1]]
        total = F.embedding_bag(index, sent, start - start[0], mode="sum", include_last_offset=True)
        hidden = middle[: len(block)]
        torch.mm(total, first, out=hidden)
        torch.maximum(hidden, least, out=hidden)
        block.addmm_(hidden, second)
    return out


def _sent(h: Tensor, norm: Norm, weights: Weights) -> Tensor:
    """Return what states [n, d] send, [3 n, d]: to the row that continues them, to their readers, to their sources."""
    rows, width = h.shape
    sent, ways, own = h.new_empty(rows, WAYS * width), weights.ways.T.contiguous(), 1 + weights.eps
    for row in range(0, rows, ROWS):
        x = F.layer_norm(h[row : row + ROWS], (width,), *norm)
        block = sent[row : row + ROWS]
        torch.mul(x, own, out=block[:, :width])
        torch.mm(x, ways, out=block[:, width:])
    return sent.view(WAYS * rows, width)
