"""Training of the encoder without labels: views of a graph are alike as its spectrum is like that of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..batch import collate
from ..features import Arrays
from ..skeletons import Skeleton
from ..spectra import COUNT, LARGEST, spectra
from .encoder import Encoder


@dataclass(frozen=True)
class Pretraining:
    """How an encoder is pretrained: passes over the graphs, the weights of both losses, and the temperature.

    ``soft`` labels come from spectra; without, each graph is like its own other view alone (van den Oord et al. 2018).
    """

    passes: int = 3
    batch: int = 32
    contrast: float = 1.0
    soft: bool = True
    rebuild: float = 1.0
    hot: float = 0.35
    cold: float = 0.05

    def __call__(self, encoder: Encoder, graphs: Sequence[Arrays], rng: np.random.Generator) -> None:
        """Train an encoder on graphs."""
        optimiser = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
        known = spread(graphs) if self.soft and self.contrast else None
        steps = [
            chosen
            for _ in range(self.passes)
            for chosen in np.array_split(rng.permutation(len(graphs)), max(len(graphs) // self.batch, 1))
        ]
        encoder.train()
        for step, chosen in enumerate(steps):
            temperature = self.hot + (self.cold - self.hot) * step / max(len(steps) - 1, 1)
            labels = torch.eye(len(chosen)) if known is None else soft_labels(known[torch.from_numpy(chosen)])
            value = self.loss(encoder, [graphs[i] for i in chosen], labels, temperature)
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()

    def loss(self, encoder: Encoder, graphs: Sequence[Arrays], labels: Tensor, temperature: float) -> Tensor:
        """Return the loss of graphs [g] with labels [g, g]: views that differ, less nodes that can be told again."""
        batch = collate(graphs)
        nodes = encoder.nodes(batch)
        views = [encoder.states(batch, nodes) for _ in range(2)]
        first, second = (encoder.projection(encoder.pooled(batch, view)) for view in views)
        rebuilt = F.cosine_similarity(encoder.rebuilt(views[0]), nodes, dim=1).mean() / temperature
        return self.contrast * contrastive_loss(first, second, labels, temperature) - self.rebuild * rebuilt


def spread(graphs: Sequence[Arrays]) -> Tensor:
    """Return the 21 smallest eigenvalues of each graph's normalised Laplacian [g, 21]; 2 where it has fewer."""
    known = spectra([Skeleton(len(g.kinds), g.edges) for g in graphs], COUNT)
    rows = [np.pad(s[:COUNT], (0, max(COUNT - len(s), 0)), constant_values=LARGEST) for s in known]
    return torch.from_numpy(np.array(rows))


def soft_labels(spectrum: Tensor) -> Tensor:
    """Return how much each graph should look like each other [g, g]: rows sum up to 1, near spectra weigh most."""
    distance = torch.cdist(spectrum, spectrum).fill_diagonal_(torch.inf)
    return torch.softmax(-distance, dim=1).float()


def contrastive_loss(first: Tensor, second: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the cross entropy between labels [g, g] and how alike projections of two views [g, d] are.

    Where a graph does not label itself it is not among those that it is held against.
    """
    alike = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T / temperature
    alike = alike.masked_fill(torch.diag(labels.diag() == 0), -1e9)
    return -(labels * F.log_softmax(alike, dim=1)).sum(dim=1).mean()
