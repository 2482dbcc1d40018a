"""Training of the encoder without labels: views of a graph are alike as its spectrum is like that of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..features import Arrays
from ..skeletons import Skeleton
from ..spectra import COUNT, LARGEST, spectra
from .encoder import Encoder
from .graphs import Graphs


def spread(graphs: Sequence[Arrays]) -> Tensor:
    """Return the 21 smallest eigenvalues of each graph's normalised Laplacian [g, 21]; 2 where it has fewer."""
    known = spectra([Skeleton(len(g.kinds), g.edges) for g in graphs], COUNT)
    rows = [np.pad(s[:COUNT], (0, max(COUNT - len(s), 0)), constant_values=LARGEST) for s in known]
    return torch.from_numpy(np.array(rows))


@dataclass(frozen=True)
class Pretraining:
    """How an encoder is pretrained: passes over the graphs, the weights of both losses, and the temperature.

    ``soft`` labels come from ``spectra``; without, each graph is like its own other view alone (van den Oord et al.
    2018).
    """

    passes: int = 3
    batch: int = 32
    contrast: float = 1.0
    soft: bool = True
    rebuild: float = 1.0
    hot: float = 0.35
    cold: float = 0.05
    spectra: Callable[[Sequence[Arrays]], Tensor] = spread

    def __call__(self, encoder: Encoder, graphs: Graphs, rng: np.random.Generator) -> None:
        """Train an encoder on graphs of the same device."""
        optimiser = adam(encoder.parameters(), lr=1e-3)
        known = self.spectra(graphs.arrays).to(graphs.device) if self.soft and self.contrast else None
        steps = [
            chosen
            for _ in range(self.passes)
            for chosen in np.array_split(rng.permutation(len(graphs)), max(len(graphs) // self.batch, 1))
        ]
        encoder.train()
        for step, chosen in enumerate(steps):
            temperature = self.hot + (self.cold - self.hot) * step / max(len(steps) - 1, 1)
            labels = torch.eye(len(chosen), device=graphs.device)
            if known is not None:
                labels = soft_labels(known[torch.from_numpy(chosen).to(graphs.device)])
            value = self.loss(encoder, graphs, chosen, labels, temperature)
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()

    def loss(
        self, encoder: Encoder, graphs: Graphs, chosen: NDArray[np.intp], labels: Tensor, temperature: float
    ) -> Tensor:
        """Return the loss of chosen graphs with labels [g, g]: views that differ, less nodes that can be told again."""
        embeddings, nodes, states = views(encoder, graphs, chosen)
        first, second = (encoder.projection(embedding) for embedding in embeddings)
        rebuilt = F.cosine_similarity(encoder.rebuilt(states), nodes, dim=1).mean() / temperature
        return self.contrast * contrastive_loss(first, second, labels, temperature) - self.rebuild * rebuilt


def adam(parameters: Iterable[Tensor], lr: float, weight_decay: float = 1e-2) -> torch.optim.AdamW:
    """Return an optimiser, on a GPU one that needs a single launch a step."""
    some = list(parameters)
    return torch.optim.AdamW(some, lr=lr, weight_decay=weight_decay, fused=True if some[0].is_cuda else None)


def views(
    encoder: Encoder, graphs: Graphs, chosen: NDArray[np.intp], at_once: bool | None = None
) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor]:
    """Return the embeddings of two views of chosen graphs [g, d] each, their nodes, and the states of the first view.

    On a GPU, where a launch costs more than the work, both are encoded ``at_once``.
    """
    if graphs.device.type == "cuda" if at_once is None else at_once:
        batch = graphs.batch(np.tile(chosen, 2))
        nodes = encoder.nodes(batch)
        states = encoder.states(batch, nodes)
        one, other = encoder.pooled(batch, states).chunk(2)
        return (one, other), nodes[: len(nodes) // 2], states[: len(nodes) // 2]
    batch = graphs.batch(chosen)
    nodes = encoder.nodes(batch)
    one, other = (encoder.states(batch, nodes) for _ in range(2))
    return (encoder.pooled(batch, one), encoder.pooled(batch, other)), nodes, one


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
