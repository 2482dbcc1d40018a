"""The whole recipe: pretrain an encoder, fit a mixture, train experts, and, if asked for, all of it by labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..datasets import Dataset, Score
from ..encoder_fitting import LOSSES
from ..targets import normal_scores
from .encoder import Encoder, Shape
from .experts import Experts
from .graphs import Graphs
from .pretraining import Pretraining, adam

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """The defaults are the thesis's choices and sizes, and as few graphs as one core can do in minutes.

    ``graphs`` of the sources are trained on, ``unlabelled`` families serve pretraining too. ``components`` of the
    mixture, 1 for no mixture; ``regressions`` are the steps that experts are trained for, by a ``loss`` of
    :data:`.LOSSES` between at most so many ``compared`` graphs, drawn anew for each step. Beyond the thesis: with
    ``statistics`` experts read those of the whole network too, ``tuned`` passes train the encoder by labels, and the
    mean of ``members`` is what counts. ``device`` is one that torch knows.
    """

    shape: Shape = field(default_factory=Shape)
    pretraining: Pretraining = field(default_factory=Pretraining)
    graphs: int = 1000
    unlabelled: tuple[Dataset, ...] = ()
    components: int = 8
    regressions: int = 200
    loss: str = "regression"
    compared: int = 4000
    statistics: bool = False
    tuned: int = 0
    members: int = 1
    device: str = "cpu"

    def __call__(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train on networks of the sources together."""
        members = [self.member(sources, seed * self.members + i) for i in range(self.members)]
        return lambda data: np.mean([member(data) for member in members], axis=0)

    @property
    def place(self) -> torch.device:
        """Where it trains and ranks."""
        return torch.device(self.device)

    def member(self, sources: Sequence[Dataset], seed: int) -> Score:
        """Train one encoder and its experts."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        parts = [drawn(s, self.graphs // len(sources), rng) for s in sources]
        further = [drawn(s, self.graphs // len(self.unlabelled), rng) for s in self.unlabelled]
        arrays = [
            data.graphs[i]
            for data, part in zip((*sources, *self.unlabelled), (*parts, *further), strict=True)
            for i in part
        ]
        labels = [normal_scores(data.labels[part, 0]) for data, part in zip(sources, parts, strict=True)]
        graphs = Graphs.of(arrays, self.place)
        targets = torch.from_numpy(np.concatenate(labels)).float().to(self.place)
        group = torch.from_numpy(np.repeat(np.arange(len(parts)), [len(part) for part in parts])).to(self.place)
        encoder = Encoder(self.shape).to(self.place)
        self.pretraining(encoder, graphs, rng)
        experts = self.experts(encoder, graphs, targets, group)
        if self.tuned:
            self.tune(encoder, experts, graphs, targets, group, rng)
        return lambda data: score(experts, self.points(encoder, Graphs.of(data.graphs, self.place)))

    def points(self, encoder: Encoder, graphs: Graphs, count: int | None = None) -> Tensor:
        """Return what experts read of the first graphs, or of all [g, d]."""
        return self.joined(encoder.embed(graphs, count), graphs.statistics[:count])

    def joined(self, embeddings: Tensor, statistics: Tensor) -> Tensor:
        """Return what experts read of graphs [g, d] with these embeddings [g, e] and statistics [g, s]."""
        return torch.cat([embeddings, statistics], dim=1) if self.statistics else embeddings

    def experts(self, encoder: Encoder, graphs: Graphs, targets: Tensor, group: Tensor) -> Experts:
        """Return experts for the embeddings of the first graphs, trained on their targets [g] of groups [g]."""
        points = self.points(encoder, graphs, len(targets))
        experts = Experts(points, self.components).to(graphs.device)
        optimiser = adam(experts.parameters(), lr=3e-3)
        some = torch.arange(len(targets), device=graphs.device)
        for _ in range(self.regressions):
            if len(targets) > self.compared:
                some = torch.randint(len(targets), (self.compared,), device=graphs.device)
            value = LOSSES[self.loss](experts(points[some]), targets[some], group[some])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        return experts

    def tune(
        self,
        encoder: Encoder,
        experts: Experts,
        graphs: Graphs,
        targets: Tensor,
        group: Tensor,
        rng: np.random.Generator,
    ) -> None:
        """Train encoder and experts together by labels."""
        parameters = [*encoder.parameters(), *experts.parameters()]
        optimiser = adam(parameters, lr=3e-4)
        encoder.train()
        for _ in range(self.tuned):
            for chosen in np.array_split(rng.permutation(len(targets)), max(len(targets) // 64, 1)):
                batch, some = graphs.batch(chosen), torch.from_numpy(chosen).to(graphs.device)
                points = self.joined(encoder(batch), batch.statistics)
                value = LOSSES[self.loss](experts(points), targets[some], group[some])
                optimiser.zero_grad()
                value.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()


def drawn(data: Dataset, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the positions of some networks of a family, at least one, all where it has no more."""
    return rng.permutation(len(data.x))[: max(count, 1)]


@torch.no_grad()
def score(experts: Experts, points: Tensor) -> Floats:
    """Return the scores of points [g, d] as numbers [g]."""
    return np.asarray(experts(points).cpu().numpy(), dtype=np.float64)
