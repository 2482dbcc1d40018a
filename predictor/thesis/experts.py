"""A mixture over embeddings, and experts that it weighs."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Experts(nn.Module):
    """A trunk that experts share, and a head for each, weighed by the posterior of a spherical mixture."""

    def __init__(self, x: Tensor, components: int) -> None:
        """Fit the mixture to points [g, d]; the experts know nothing yet."""
        super().__init__()
        self.centre, self.scale = x.mean(0), x.std(0).clamp(min=1e-3)
        self.means, self.variance, self.weights = mixture((x - self.centre) / self.scale, min(components, len(x)))
        self.trunk = nn.Sequential(nn.Linear(x.shape[1], 128), nn.ReLU())
        self.heads = nn.Linear(128, len(self.means))

    def forward(self, points: Tensor) -> Tensor:
        """Return scores [g] of points [g, d]."""
        x = (points - self.centre) / self.scale
        gate = posterior(x, self.means, self.variance, self.weights)
        result: Tensor = (gate * self.heads(self.trunk(x))).sum(dim=1)
        return result


def mixture(x: Tensor, components: int, rounds: int = 40) -> tuple[Tensor, float, Tensor]:
    """Return means [q, d], the one variance and weights [q] of a spherical mixture of points [g, d] (Algorithm 1)."""
    means = x[torch.randperm(len(x))[:components].to(x.device)].clone()
    variance, weights = float(x.var()), x.new_full((components,), 1 / components)
    for _ in range(rounds):
        gate = posterior(x, means, variance, weights)
        counts = gate.sum(0) + 1e-6
        means, weights = gate.T @ x / counts[:, None], counts / counts.sum()
        variance = max(float((gate * torch.cdist(x, means) ** 2).sum()) / x.numel(), 1e-3)
    return means, variance, weights


def posterior(x: Tensor, means: Tensor, variance: float, weights: Tensor) -> Tensor:
    """Return the probability of each component [g, q] for points [g, d]."""
    return torch.softmax(weights.log() - torch.cdist(x, means) ** 2 / (2 * variance), dim=1)
