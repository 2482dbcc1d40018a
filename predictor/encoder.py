"""The network that reads graphs: a GIN over the carriers, and what it adds to the score of the trunk.

That is ``trust(statistics) * bound * tanh(residual(embedding, statistics))``: bounded, because a free network fits the
families of its training and forgets what holds everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .features import ACTIVATION_FLAG, NORM_FLAG, ROW
from .flaws import FLAWS
from .kernels.classes import Classes
from .kernels.message import Norm, Weights, layers
from .kernels.portable import sums
from .kernels.relation import Joined, Relation, Step
from .kernels.variants import Changed, Variants
from .kinds import Kind
from .statistics import NAMES

APART = frozenset({"norm share", "activation share", *FLAWS})
"""Statistics that the residual does not read: benchmarks hardly vary them (see ``FIXED`` of :mod:`.slopes`)."""


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

    ``kinds`` [n], ``rows`` [n, r], ``source`` and ``target`` [e] index nodes, ``graph`` [n], which never falls, says
    which graph a node belongs to, ``statistics`` [g, s].
    """

    kinds: Tensor
    rows: Tensor
    source: Tensor
    target: Tensor
    graph: Tensor
    statistics: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(**{field.name: getattr(self, field.name).to(device) for field in fields(Batch)})

    @cached_property
    def step(self) -> Step:
        """What a layer of message passing reads."""
        return Step.of(self.source, self.target, len(self.kinds))

    @cached_property
    def counts(self) -> Tensor:
        """How many nodes each graph has [g]."""
        return torch.bincount(self.graph, minlength=len(self.statistics))

    @cached_property
    def place(self) -> Tensor:
        """Which of its graph's nodes each is [n]; the nodes of a graph stand together."""
        before = self.counts.cumsum(0) - self.counts
        return torch.arange(len(self.graph), device=self.graph.device) - before[self.graph]

    @cached_property
    def most(self) -> int:
        """How many nodes the largest graph has."""
        return int(self.counts.max())

    @cached_property
    def known_classes(self) -> dict[int, Classes]:
        """Classes made so far, by the number of layers."""
        return {}

    def classes(self, layers: int) -> Classes:
        """Return which nodes so many layers cannot tell apart."""
        if layers not in self.known_classes:
            self.known_classes[layers] = Classes.of(self.kinds, self.rows, self.step.joined, layers)
        return self.known_classes[layers]

    @cached_property
    def members(self) -> Relation:
        """The nodes of each graph that count in its embedding."""
        nodes = torch.nonzero(self.kinds != Kind.MASKED).squeeze(1)
        ends = torch.arange(len(self.statistics) + 1, device=nodes.device)
        return Relation(torch.searchsorted(self.graph[nodes], ends), nodes, len(self.kinds))


class GinLayer(nn.Module):
    """``h + MLP((1 + eps) x + W_in sum_sources(x) + W_out sum_readers(x))``, x = norm(h) (Xu et al. 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.norm = nn.LayerNorm(width)
        self.ways = nn.Linear(width, 2 * width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, h: Tensor, step: Step | Joined) -> Tensor:
        """Return new node states [rows, width] of h [columns, width]."""
        return layers(h, [step], [self.parts])

    @property
    def parts(self) -> tuple[Norm, Weights]:
        """The normalisation of states, and the other weights."""
        first, second = self.mlp[0], self.mlp[2]
        assert isinstance(first, nn.Linear)
        assert isinstance(second, nn.Linear)
        weights = Weights(self.eps, self.ways.weight, first.weight, first.bias, second.weight, second.bias)
        return Norm(self.norm.weight, self.norm.bias, self.norm.eps), weights


class Encoder(nn.Module):
    """Kinds, rows, edges and statistics to what the graph adds to a score."""

    mean: Tensor
    scale: Tensor
    row_mean: Tensor
    row_weight: Tensor
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
        self.register_buffer("mean", torch.zeros(len(NAMES)))
        self.register_buffer("scale", torch.ones(len(NAMES)))
        self.register_buffer("row_mean", torch.zeros(len(ROW)))
        self.register_buffer("row_weight", torch.ones(len(ROW)))
        learned = [i for i, name in enumerate(NAMES) if name not in APART]
        self.register_buffer("learned", torch.tensor(learned))
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

    def states(self, kinds: Tensor, rows: Tensor) -> Tensor:
        """Return the states [n, width] before the first layer of kinds [n] and rows [n, r]."""
        near = 3 * torch.tanh((rows - self.row_mean) * self.row_weight / 3)
        result: Tensor = self.kind(kinds) + self.row(near * _kept(kinds))
        return result

    @property
    def stack(self) -> list[tuple[Norm, Weights]]:
        """The weights of all layers."""
        return [layer.parts for layer in self.gin if isinstance(layer, GinLayer)]

    def embed(self, batch: Batch) -> Tensor:
        """Return embeddings [graphs, 2 * width] of a batch."""
        kinds, rows, members = batch.kinds, batch.rows, batch.members
        steps: Sequence[Step | Joined] = (batch.step,) * len(self.gin)
        if not torch.is_grad_enabled() and not kinds.is_cuda:  # what is alike is computed once
            classes = batch.classes(len(self.gin))
            members = Relation(members.start, classes.last[members.index], len(classes.last))
            kinds, rows, steps = kinds[classes.first], rows[classes.first], classes.steps
        h = self.norm(layers(self.states(kinds, rows), steps, self.stack))
        totals = torch.cat([sums(h, members), sums(h * h, members)], dim=1)
        return _moments(totals, members.start.diff().unsqueeze(1))

    def embed_variants(self, kinds: Tensor, rows: Tensor, keep: Tensor, variants: Variants) -> Tensor:
        """Return embeddings [v, 2 * width] of variants that keep [v, 3, n] of a graph of kinds [n] and rows [n, r]."""
        h = layers(self.states(*masked(kinds, rows, keep, variants.first)), variants.steps, self.stack)
        kept = keep[variants.last.variant, 0, variants.last.node].to(h.dtype).unsqueeze(-1)
        h = self.norm(h)
        return _moments(variants.pooled(torch.cat([h, h * h], dim=1), kept), keep[:, 0].sum(1, keepdim=True))

    def score(self, embedding: Tensor, statistics: Tensor) -> Tensor:
        """Return what to add to scores [...], from embeddings [..., 2 * width] and raw statistics [..., s]."""
        z = (statistics - self.mean) / self.scale
        near = 3 * torch.tanh(z[..., self.learned] / 3)
        extra: Tensor = self.residual(torch.cat([embedding, near], dim=-1)).squeeze(-1)
        return self.trust(z) * self.shape.bound * torch.tanh(extra)

    def trust(self, z: Tensor) -> Tensor:
        """Return how far to trust what the GIN adds, 0 to 1 [...]: less for standardised statistics beyond 2."""
        beyond = F.relu(z[..., self.learned].abs() - 2)
        return torch.exp(-(beyond * beyond).sum(dim=-1))

    def forward(self, batch: Batch) -> Tensor:
        """Return what to add to the scores [g] of a batch of graphs."""
        return self.score(self.embed(batch), batch.statistics)


def masked(kinds: Tensor, rows: Tensor, keep: Tensor, changed: Changed) -> tuple[Tensor, Tensor]:
    """Return kinds [n + p] and rows [n + p, r] of a graph's nodes, then of the changed ones of its variants.

    ``keep`` [v, 3, n] says what each variant keeps of the kinds [n] and rows [n, r] of the graph.
    """
    main, norm, activation = keep[changed.variant, :, changed.node].unbind(1)
    many_kinds = torch.where(main, kinds[changed.node], torch.full_like(changed.node, int(Kind.MASKED)))
    many_rows = rows[changed.node]
    many_rows[:, NORM_FLAG] *= norm
    many_rows[:, ACTIVATION_FLAG] *= activation
    return torch.cat([kinds, many_kinds]), torch.cat([rows, many_rows])


def _kept(kinds: Tensor) -> Tensor:
    return (kinds != Kind.MASKED).to(torch.float32).unsqueeze(-1)


def _moments(totals: Tensor, counts: Tensor) -> Tensor:
    """Return means and standard deviations [g, 2 * width] of sums of values and squares [g, 2 * width]."""
    first, second = (totals / counts.clamp(min=1)).chunk(2, dim=-1)
    return torch.cat([first, torch.sqrt((second - first * first).clamp(min=0) + 1e-4)], dim=-1)


def variants_per_chunk(nodes: int, width: int, megabytes: float = 256.0) -> int:
    """Return how many variants of a graph fit in the given memory even where all of it changes, at least one."""
    return max(1, math.floor(megabytes * 2**20 / (nodes * width * 16)))
