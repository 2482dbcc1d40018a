"""Message passing with PyTorch's own operations, for any device; written for the CPU.

All sums over neighbours of a layer are one call of ``embedding_bag``, several times faster on a CPU than
``index_add`` or a product with a sparse matrix. Its gradient is the same call over the transposed relation.
"""

# A decorator of torch makes the first argument of `backward` positional.
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .message import Weights
from .relation import Relation, Step


class _Sum(torch.autograd.Function):
    """Sums over the entries of a relation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, relation: Relation) -> Tensor:
        """Return sums [rows, d] of x [columns, d]."""
        ctx.relation = relation
        return _bag(x, relation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of x."""
        return _bag(gradients[0].contiguous(), ctx.relation.transposed), None


def _bag(x: Tensor, relation: Relation) -> Tensor:
    return F.embedding_bag(relation.index, x, relation.start, mode="sum", include_last_offset=True)


def sums(x: Tensor, relation: Relation) -> Tensor:
    """Return, for each row, the sum [rows, d] of the x [columns, d] that it reads."""
    if not relation.rows:
        return x.new_zeros(0, x.shape[1])
    if not torch.is_grad_enabled() or not x.requires_grad:
        return _bag(x.contiguous(), relation)
    result: Tensor = _Sum.apply(x.contiguous(), relation)
    return result


def portable_gin(x: Tensor, step: Step, weights: Weights) -> Tensor:
    """Return what :func:`.message.gin` describes."""
    ways = torch.cat([(1 + weights.eps) * x, F.linear(x, weights.ways)], dim=1)
    hidden = F.linear(sums(ways.view(-1, x.shape[1]), step.joined), weights.first, weights.first_bias).relu_()
    return F.linear(hidden, weights.second, weights.second_bias)
