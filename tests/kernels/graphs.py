"""Random graphs, weights and a slow exact reference for the tests of message passing."""

from __future__ import annotations

import torch
from torch import Tensor

from nasc.predictor.kernels.message import Weights
from nasc.predictor.kernels.relation import Step


def step(nodes: int, edges: int, seed: int = 0) -> Step:
    """A step over a random graph; some nodes have no edge."""
    r = torch.Generator().manual_seed(seed)
    source, target = torch.randint(0, max(nodes * 3 // 4, 1), (2, edges), generator=r)
    return Step.of(source, target, nodes)


def weights(width: int, hidden: int, seed: int = 0) -> Weights:
    """Weights in float64."""
    r = torch.Generator().manual_seed(seed)
    shapes = ((1,), (2 * width, width), (hidden, width), (hidden,), (width, hidden), (width,))
    return Weights(*(torch.randn(shape, generator=r, dtype=torch.float64) / width**0.5 for shape in shapes))


def reference(x: Tensor, step: Step, weights: Weights) -> Tensor:
    """The formula with dense matrices."""
    own, sources, readers = (dense(r).to(x.dtype) for r in (step.ownership, step.sources, step.readers))
    ahead, back = weights.ways.chunk(2)
    total = (1 + weights.eps) * (own @ x) + sources @ x @ ahead.T + readers @ x @ back.T
    hidden = torch.relu(total @ weights.first.T + weights.first_bias)
    return hidden @ weights.second.T + weights.second_bias


def dense(relation) -> Tensor:
    made = torch.zeros(relation.rows, relation.columns, dtype=torch.float64)
    made.index_put_((relation.entry_rows, relation.index), torch.ones(1, dtype=torch.float64), accumulate=True)
    return made


def with_gradients(function, x: Tensor, step: Step, weights: Weights, above: Tensor) -> list[Tensor]:
    """The output and the gradients of x and all weights, for the gradient ``above`` of the output."""
    leaves = [t.detach().clone().requires_grad_() for t in (x, *weights)]
    out = function(leaves[0], step, Weights(*leaves[1:]))
    out.backward(above)
    return [out.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def largest_error(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference, relative to the largest entry of its tensor."""
    return max(
        float((a.double() - b.double()).abs().max() / b.double().abs().max().clamp(min=1e-9))
        for a, b in zip(found, expected, strict=True)
    )


def relative_error(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest error of a tensor as a whole: a ReLU that rounding turns moves single entries far."""
    return max(
        float((a.double() - b.double()).norm() / b.double().norm().clamp(min=1e-9))
        for a, b in zip(found, expected, strict=True)
    )
