"""The network that scores networks: a GIN over the carriers, and a regressor whose size terms are monotone.

The score is ``monotone(statistics) + trust(statistics) * bound * tanh(residual(embedding, statistics))``. The
monotone part can only rise with parameters, MACs, depth and the like (and fall with the share of pooling):
that holds for every family of networks. What the GIN adds is bounded, because a free network fits its
training family and forgets what holds everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .features import ACTIVATION_FLAG, NORM_FLAG, ROW
from .kinds import Kind
from .statistics import NAMES

SIGNS = {
    "log10 params": 0,
    "log10 MACs": 0,
    "mixing layers": 1,
    "pointwise layers": 0,
    "longest path, mixing": 1,
    "longest path, layers": 1,
    "mean path, mixing": 1,
    "mean path, layers": 1,
    "shortest path, mixing": 0,
    "shortest path, layers": 0,
    "receptive field": 0,
    "pool share": -1,
    "pools on mean path": -1,
    "fewest pools": -1,
    "adds": 0,
    "cats": 0,
    "paths": 0,
    "norm share": 0,
    "activation share": 0,
    "log10 size": 1,
}
"""How each statistic may move the score: up (1), down (-1); those with 0 only enter the bounded part."""

PRIOR = {"norm share": 0.5, "activation share": 0.5}
"""Fixed slopes, not learned: benchmarks never leave norms and activations out, so no data prices them."""


@dataclass(frozen=True)
class Shape:
    """Sizes: node width, GIN layers, hidden width of the regressor, bound of what the GIN adds."""

    width: int = 64
    layers: int = 4
    hidden: int = 64
    bound: float = 0.75


@dataclass(frozen=True)
class Batch:
    """Graphs side by side: nodes of all graphs in one axis.

    ``kinds`` [n], ``rows`` [n, r], ``source`` and ``target`` [e] index nodes, ``graph`` [n] says which graph
    a node belongs to, ``statistics`` [g, s].
    """

    kinds: Tensor
    rows: Tensor
    source: Tensor
    target: Tensor
    graph: Tensor
    statistics: Tensor


class GinLayer(nn.Module):
    """``h + MLP((1 + eps) x + W_in sum_sources(x) + W_out sum_readers(x))``, x = norm(h) (Xu et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.norm = nn.LayerNorm(width)
        self.ways = nn.Linear(width, 2 * width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, h: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Return new node states [..., n, width] for edges from ``source`` to ``target`` [e]."""
        x = self.norm(h)
        forward, backward = self.ways(x).chunk(2, dim=-1)
        total = (1 + self.eps) * x
        total = total.index_add(-2, target, forward.index_select(-2, source))
        total = total.index_add(-2, source, backward.index_select(-2, target))
        result: Tensor = h + self.mlp(total)
        return result


class Monotone(nn.Module):
    """A function that never falls in any input: non-negative weights, rising activations, and a linear part.

    Half of the hidden units are convex (softplus), half concave, so that the function can bend both ways.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Parameter(torch.full((inputs,), -3.0))
        self.first = nn.Parameter(torch.randn(hidden, inputs) * 0.5 - 2.5)
        self.bias = nn.Parameter(torch.randn(hidden))
        self.second = nn.Parameter(torch.full((hidden,), -3.0))
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return values [...] for inputs [..., inputs]."""
        z = x @ F.softplus(self.first).T + self.bias
        convex, concave = z.chunk(2, dim=-1)
        bent = torch.cat([F.softplus(convex), -F.softplus(-concave)], dim=-1)
        return x @ F.softplus(self.linear) + bent @ F.softplus(self.second) + self.offset


class Encoder(nn.Module):
    """Kinds, rows, edges and statistics to scores in standard deviations of the training family."""

    mean: Tensor
    scale: Tensor
    row_mean: Tensor
    row_weight: Tensor
    signs: Tensor
    learned: Tensor

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        self.shape = shape
        self.kind = nn.Embedding(len(Kind), shape.width)
        nn.init.zeros_(self.kind.weight)
        self.row = nn.Linear(len(ROW), shape.width, bias=False)
        self.gin = nn.ModuleList(GinLayer(shape.width) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        signs = torch.tensor([float(SIGNS[name]) for name in NAMES])
        self.register_buffer("signs", signs)
        self.register_buffer("mean", torch.zeros(len(NAMES)))
        self.register_buffer("scale", torch.ones(len(NAMES)))
        self.register_buffer("row_mean", torch.zeros(len(ROW)))
        self.register_buffer("row_weight", torch.ones(len(ROW)))
        learned = [i for i, name in enumerate(NAMES) if name not in PRIOR]
        self.register_buffer("learned", torch.tensor(learned))
        self.monotone = Monotone(sum(sign != 0 for sign in SIGNS.values()), shape.hidden)
        self.residual = nn.Sequential(
            nn.Linear(2 * shape.width + len(learned), shape.hidden), nn.ReLU(), nn.Linear(shape.hidden, 1)
        )

    @torch.no_grad()
    def standardise(self, statistics: Tensor, rows: Tensor) -> None:
        """Set the scales of statistics [n, s] and rows [m, r] from those of the training family.

        A number that hardly varies there has no weight: nothing was learned of it, so it must not move the
        score of other networks. For the same reason kinds start at zero.
        """
        spread = statistics.std(dim=0, unbiased=False)
        self.mean.copy_(statistics.mean(dim=0))
        self.scale.copy_(torch.where(spread > 1e-3, spread, torch.ones_like(spread)))
        spread = rows.std(dim=0, unbiased=False)
        self.row_mean.copy_(rows.mean(dim=0))
        self.row_weight.copy_(torch.where(spread > 1e-3, 1 / spread, torch.zeros_like(spread)))

    def embed(self, kinds: Tensor, rows: Tensor, source: Tensor, target: Tensor, graph: Tensor, graphs: int) -> Tensor:
        """Return embeddings [..., graphs, 2 * width] of kinds [..., n] and rows [..., n, r]."""
        kept = (kinds != Kind.MASKED).to(rows.dtype).unsqueeze(-1)
        near = 3 * torch.tanh((rows - self.row_mean) * self.row_weight / 3)
        h = self.kind(kinds) + self.row(near * kept)
        for layer in self.gin:
            h = layer(h, source, target)
        h = self.norm(h) * kept
        shape = (*h.shape[:-2], graphs, 1)
        counts = torch.zeros(shape, dtype=h.dtype).index_add(-2, graph, kept).clamp(min=1)
        first = torch.zeros((*shape[:-1], h.shape[-1]), dtype=h.dtype).index_add(-2, graph, h) / counts
        second = torch.zeros_like(first).index_add(-2, graph, h * h) / counts
        return torch.cat([first, torch.sqrt((second - first * first).clamp(min=0) + 1e-4)], dim=-1)

    def score(self, embedding: Tensor, statistics: Tensor) -> Tensor:
        """Return scores [...] from embeddings [..., 2 * width] and raw statistics [..., s]."""
        z = (statistics - self.mean) / self.scale
        near = 3 * torch.tanh(z[..., self.learned] / 3)
        extra: Tensor = self.residual(torch.cat([embedding, near], dim=-1)).squeeze(-1)
        return self.rising(statistics) + self.trust(z) * self.shape.bound * torch.tanh(extra)

    def trust(self, z: Tensor) -> Tensor:
        """Return how far to trust what the GIN adds, 0 to 1 [...]: less for standardised statistics beyond 2."""
        beyond = F.relu(z[..., self.learned].abs() - 2)
        return torch.exp(-(beyond * beyond).sum(dim=-1))

    def rising(self, statistics: Tensor) -> Tensor:
        """Return the monotone part of the scores [...] and the prior from raw statistics [..., s]."""
        z = (statistics - self.mean) / self.scale
        known = (z * self.signs)[..., self.signs != 0]
        lacking = sum(slope * (statistics[..., NAMES.index(name)] - 1) for name, slope in PRIOR.items())
        result: Tensor = self.monotone(known) + lacking
        return result

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores [g] of a batch of graphs."""
        graphs = batch.statistics.shape[0]
        embedding = self.embed(batch.kinds, batch.rows, batch.source, batch.target, batch.graph, graphs)
        return self.score(embedding, batch.statistics)


def masked(kinds: Tensor, rows: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """Return kinds [v, n] and rows [v, n, r] of the variants that keep [v, 3, n] of one graph's nodes."""
    many_kinds = torch.where(keep[:, 0], kinds, torch.full_like(kinds, int(Kind.MASKED)))
    flags = torch.ones(keep.shape[0], *rows.shape, dtype=rows.dtype)
    flags[..., NORM_FLAG] = keep[:, 1].to(rows.dtype)
    flags[..., ACTIVATION_FLAG] = keep[:, 2].to(rows.dtype)
    return many_kinds, rows * flags


def rows_per_chunk(nodes: int, width: int, megabytes: float = 64.0) -> int:
    """Return how many variants of a graph fit in the given memory, at least one."""
    return max(1, math.floor(megabytes * 2**20 / (nodes * width * 16)))
