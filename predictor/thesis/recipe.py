"""The whole recipe: pretrain an encoder, fit a mixture, train experts, and, if asked for, all of it by labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..batch import collate
from ..datasets import Dataset, Score
from ..encoder_fitting import LOSSES
from ..features import Arrays
from ..targets import normal_scores
from .encoder import Encoder, Shape
from .experts import Experts
from .pretraining import Pretraining

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """The defaults are the thesis's choices and sizes, and as few graphs as one core can do in minutes.

    ``graphs`` of the sources are trained on, ``unlabelled`` families serve pretraining too. ``components`` of the
    mixture, 1 for no mixture; ``regressions`` are the steps that experts are trained for, by a ``loss`` of
    :data:`.LOSSES`. Beyond the thesis: with ``statistics`` experts read those of the whole network too, ``tuned``
    passes train the encoder by labels, and the mean of ``members`` is what counts.
    """

    shape: Shape = field(default_factory=Shape)
    pretraining: Pretraining = field(default_factory=Pretraining)
    graphs: int = 1000
    unlabelled: tuple[Dataset, ...] = ()
    components: int = 8
    regressions: int = 200
    loss: str = "regression"
    statistics: bool = False
    tuned: int = 0
    members: int = 1

    def __call__(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train on networks of the sources together."""
        members = [self.member(sources, seed * self.members + i) for i in range(self.members)]
        return lambda data: np.mean([member(data) for member in members], axis=0)

    def member(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train one encoder and its experts."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        parts = [drawn(s, max(self.graphs // len(sources), 1), rng) for s in sources]
        further = [drawn(s, max(self.graphs // len(self.unlabelled), 1), rng) for s in self.unlabelled]
        graphs = [graph for part in parts for graph in part.graphs]
        group = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(part.x) for part in parts]))
        targets = torch.from_numpy(np.concatenate([normal_scores(part.labels[:, 0]) for part in parts])).float()
        encoder = Encoder(self.shape)
        self.pretraining(encoder, [*graphs, *(graph for part in further for graph in part.graphs)], rng)
        experts = self.experts(encoder, graphs, targets, group)
        if self.tuned:
            self.tune(encoder, experts, graphs, targets, group, rng)
        return lambda data: score(experts, self.points(encoder.embed(data.graphs), data.graphs))

    def points(self, embeddings: Tensor, graphs: Sequence[Arrays]) -> Tensor:
        """Return what experts read of graphs [g, d]."""
        if not self.statistics:
            return embeddings
        known = torch.from_numpy(np.stack([graph.statistics for graph in graphs])).float()
        return torch.cat([embeddings, known], dim=1)

    def experts(self, encoder: Encoder, graphs: Sequence[Arrays], targets: Tensor, group: Tensor) -> Experts:
        """Return experts for the embeddings of graphs, trained on targets [g] of groups [g]."""
        points = self.points(encoder.embed(graphs), graphs)
        experts = Experts(points, self.components)
        optimiser = torch.optim.AdamW(experts.parameters(), lr=3e-3, weight_decay=1e-2)
        for _ in range(self.regressions):
            value = LOSSES[self.loss](experts(points), targets, group)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        return experts

    def tune(
        self,
        encoder: Encoder,
        experts: Experts,
        graphs: Sequence[Arrays],
        targets: Tensor,
        group: Tensor,
        rng: np.random.Generator,
    ) -> None:
        """Train encoder and experts together by labels."""
        parameters = [*encoder.parameters(), *experts.parameters()]
        optimiser = torch.optim.AdamW(parameters, lr=3e-4, weight_decay=1e-2)
        encoder.train()
        for _ in range(self.tuned):
            for chosen in np.array_split(rng.permutation(len(graphs)), max(len(graphs) // 64, 1)):
                part, index = [graphs[i] for i in chosen], torch.from_numpy(chosen)
                points = self.points(encoder(collate(part)), part)
                value = LOSSES[self.loss](experts(points), targets[index], group[index])
                optimiser.zero_grad()
                value.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()


def drawn(data: Dataset, count: int, rng: np.random.Generator) -> Dataset:
    """Return some networks of a family, all where it has no more."""
    return data.take(rng.permutation(len(data.x))[:count])


@torch.no_grad()
def score(experts: Experts, points: Tensor) -> Floats:
    """Return the scores of points [g, d] as numbers [g]."""
    return np.asarray(experts(points).numpy(), dtype=np.float64)
