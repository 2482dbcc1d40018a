"""The recipe of the thesis behind nasc (2.1), as a ranker to compare with.

It pretrains an encoder without labels, then fits a mixture and experts.

An embedding for each kind of attribute; six GIN layers beside a transformer with four heads, 256 + 256 numbers a graph;
a contrastive loss between two dropout views with soft labels from the distance of the 21 smallest eigenvalues of the
normalised Laplacian, and a reconstruction of node embeddings, under a temperature that falls from 0.35 to 0.05. Then a
spherical Gaussian mixture over embeddings, and a mixture of experts on a shared trunk, gated by its posterior.

Two signs of the text are read as they must be meant: near graphs get the large weight (softmax of minus the distance),
and the soft labels of a graph sum up to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .batch import batches, collate
from .datasets import Dataset, Score
from .encoder import Batch, GinLayer
from .features import ROW, Arrays
from .kinds import Kind
from .skeletons import Skeleton
from .spectra import COUNT, LARGEST, spectra
from .targets import normal_scores

Floats = NDArray[np.float64]
HOT, COLD = 0.35, 0.05
DROPOUT = 0.1


@dataclass(frozen=True)
class Recipe:
    """Sizes and lengths: the defaults are the thesis's sizes, and as few graphs as one core can do in minutes."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    components: int = 8
    graphs: int = 256
    batch: int = 16
    passes: int = 1
    regressions: int = 200
    contrast: float = 1.0
    rebuild: float = 1.0

    def __call__(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train on at most ``graphs`` networks of the sources together; see :mod:`.thesis`."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        parts = [s.take(rng.permutation(len(s.x))[: max(self.graphs // len(sources), 1)]) for s in sources]
        graphs = [graph for part in parts for graph in part.graphs]
        targets = np.concatenate([normal_scores(part.labels[:, 0]) for part in parts])
        encoder = Encoder(self)
        _pretrain(encoder, graphs, self, rng)
        embeddings = embed(encoder, graphs)
        experts = Experts.fit(embeddings, targets, self)
        return lambda data: experts(embed(encoder, data.graphs))


class Encoder(nn.Module):
    """GIN layers and a transformer side by side over node embeddings; each graph is the mean of both over its nodes."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        width = recipe.width
        self.kind = nn.Embedding(len(Kind), width)
        self.attributes = nn.ModuleList(nn.Linear(1, width) for _ in ROW)
        self.gin = nn.ModuleList(GinLayer(width) for _ in range(recipe.layers))
        block = nn.TransformerEncoderLayer(width, recipe.heads, 2 * width, DROPOUT, batch_first=True)
        self.attention = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.projection = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 64))
        self.rebuilt = nn.Sequential(nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def nodes(self, batch: Batch) -> Tensor:
        """Return node embeddings [n, width]: a sum of one for each kind of attribute."""
        h: Tensor = self.kind(batch.kinds)
        for i, attribute in enumerate(self.attributes):
            h = h + torch.tanh(attribute(batch.rows[:, i : i + 1]))
        return h

    def states(self, batch: Batch, nodes: Tensor) -> Tensor:
        """Return the states [n, 2 * width] of nodes: what GIN says and what attention says."""
        h = F.dropout(nodes, DROPOUT, self.training)
        passed = h
        for layer in self.gin:
            passed = layer(passed, batch.step)
        counts = torch.bincount(batch.graph, minlength=len(batch.statistics))
        place = torch.arange(len(h)) - (counts.cumsum(0) - counts)[batch.graph]
        dense = torch.zeros(len(counts), int(counts.max()), h.shape[1]).index_put((batch.graph, place), h)
        lacking = torch.arange(dense.shape[1])[None] >= counts[:, None]
        seen = self.attention(dense, src_key_padding_mask=lacking)[batch.graph, place]
        return torch.cat([passed, seen], dim=1)

    def pooled(self, batch: Batch, states: Tensor) -> Tensor:
        """Return embeddings [graphs, 2 * width]."""
        counts = torch.bincount(batch.graph, minlength=len(batch.statistics)).clamp(min=1)
        total = torch.zeros(len(counts), states.shape[1]).index_add(0, batch.graph, states)
        return total / counts[:, None]


def soft_labels(graphs: Sequence[Arrays]) -> Tensor:
    """Return how much each graph should look like each other [g, g]: rows sum up to 1, near spectra weigh most."""
    known = spectra([Skeleton(len(g.kinds), g.edges) for g in graphs], COUNT)
    rows = [np.pad(s[:COUNT], (0, max(COUNT - len(s), 0)), constant_values=LARGEST) for s in known]
    spread = torch.from_numpy(np.array(rows))
    distance = torch.cdist(spread, spread).fill_diagonal_(torch.inf)
    return torch.softmax(-distance, dim=1).float()


def contrastive_loss(first: Tensor, second: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the cross entropy between soft labels [g, g] and how alike projections of two views [g, d] are."""
    alike = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T / temperature
    alike = alike.masked_fill(torch.eye(len(labels), dtype=torch.bool), -1e9)
    return -(labels * F.log_softmax(alike, dim=1)).sum(dim=1).mean()


def _pretrain(encoder: Encoder, graphs: Sequence[Arrays], recipe: Recipe, rng: np.random.Generator) -> None:
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
    steps = [
        chosen
        for _ in range(recipe.passes)
        for chosen in np.array_split(rng.permutation(len(graphs)), max(len(graphs) // recipe.batch, 1))
    ]
    encoder.train()
    for step, chosen in enumerate(steps):
        part = [graphs[i] for i in chosen]
        batch, temperature = collate(part), HOT + (COLD - HOT) * step / max(len(steps) - 1, 1)
        nodes = encoder.nodes(batch)
        views = [encoder.states(batch, nodes) for _ in range(2)]
        first, second = (encoder.projection(encoder.pooled(batch, view)) for view in views)
        rebuilt = F.cosine_similarity(encoder.rebuilt(views[0]), nodes, dim=1).mean() / temperature
        value = recipe.contrast * contrastive_loss(first, second, soft_labels(part), temperature)
        value = value - recipe.rebuild * rebuilt
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()


@torch.inference_mode()
def embed(encoder: Encoder, graphs: Sequence[Arrays]) -> Tensor:
    """Return the embeddings [g, 2 * width] of graphs."""
    encoder.eval()
    return torch.cat([encoder.pooled(b, encoder.states(b, encoder.nodes(b))) for b in batches(graphs, 4000)]).clone()


class Experts(nn.Module):
    """A trunk that experts share, and a head for each, weighed by the posterior of a spherical mixture."""

    def __init__(self, means: Tensor, variance: float, weights: Tensor, centre: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.means, self.variance, self.weights = means, variance, weights
        self.centre, self.scale = centre, scale
        self.trunk = nn.Sequential(nn.Linear(means.shape[1], 128), nn.ReLU())
        self.heads = nn.Linear(128, len(means))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return scores [g] of embeddings [g, d]."""
        x = (embeddings - self.centre) / self.scale
        gate = _posterior(x, self.means, self.variance, self.weights)
        result: Tensor = (gate * self.heads(self.trunk(x))).sum(dim=1)
        return result

    def __call__(self, embeddings: Tensor) -> Floats:
        """Return scores [g] as numbers."""
        with torch.no_grad():
            return np.asarray(self.forward(embeddings).numpy(), dtype=np.float64)

    @staticmethod
    def fit(embeddings: Tensor, targets: Floats, recipe: Recipe) -> Experts:
        """Return experts for a mixture fitted by expectation maximisation, trained on targets [g]."""
        centre, scale = embeddings.mean(0), embeddings.std(0).clamp(min=1e-3)
        x = (embeddings - centre) / scale
        experts = Experts(*_mixture(x, min(recipe.components, len(x))), centre, scale)
        wanted = torch.from_numpy(targets).float()
        optimiser = torch.optim.AdamW(experts.parameters(), lr=3e-3, weight_decay=1e-2)
        for _ in range(recipe.regressions):
            value = F.smooth_l1_loss(experts.forward(embeddings), wanted)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        return experts


def _mixture(x: Tensor, components: int, rounds: int = 40) -> tuple[Tensor, float, Tensor]:
    """Return means [q, d], the one variance and weights [q] of a spherical mixture of points [g, d] (Algorithm 1)."""
    means = x[torch.randperm(len(x))[:components]].clone()
    variance, weights = float(x.var()), torch.full((components,), 1 / components)
    for _ in range(rounds):
        gate = _posterior(x, means, variance, weights)
        counts = gate.sum(0) + 1e-6
        means, weights = gate.T @ x / counts[:, None], counts / counts.sum()
        variance = max(float((gate * torch.cdist(x, means) ** 2).sum()) / x.numel(), 1e-3)
    return means, variance, weights


def _posterior(x: Tensor, means: Tensor, variance: float, weights: Tensor) -> Tensor:
    return torch.softmax(weights.log() - torch.cdist(x, means) ** 2 / (2 * variance), dim=1)
