"""GIN layers beside a transformer: from the nodes of networks to 256 + 256 numbers a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoder import Batch, GinLayer
from ..features import ROW
from ..kinds import Kind
from .graphs import Graphs

DROPOUT = 0.1
APART, TOGETHER, KINDS = "apart", "together", "kinds"


@dataclass(frozen=True)
class Shape:
    """Sizes and choices of an encoder.

    ``layers`` of GIN and ``heads`` of attention, 0 for none; ``attributes`` have an embedding each (``apart``), one for
    all of them (``together``), or none (``kinds``: an op is its kind alone). With ``flow`` a node attends to those that
    it is computed from, or that are computed from it, alone.
    """

    width: int = 256
    layers: int = 6
    heads: int = 4
    attributes: str = APART
    flow: bool = False

    @property
    def embedding(self) -> int:
        """How many numbers a graph gets."""
        return self.width * max(bool(self.layers) + bool(self.heads), 1)


class Encoder(nn.Module):
    """GIN layers and a transformer side by side over node embeddings; each graph is the mean of both over its nodes."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, wide = shape.width, shape.embedding
        self.shape = shape
        self.kind = nn.Embedding(len(Kind), width)
        parts = {APART: [1] * len(ROW), TOGETHER: [len(ROW)], KINDS: []}[shape.attributes]
        self.attributes = nn.ModuleList(nn.Linear(part, width) for part in parts)
        self.gin = nn.ModuleList(GinLayer(width) for _ in range(shape.layers))
        self.attention: nn.Module | None = None
        if shape.heads:
            block = nn.TransformerEncoderLayer(width, shape.heads, 2 * width, DROPOUT, batch_first=True)
            self.attention = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.projection = nn.Sequential(nn.Linear(wide, width), nn.ReLU(), nn.Linear(width, 64))
        self.rebuilt = nn.Sequential(nn.Linear(wide, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def nodes(self, batch: Batch) -> Tensor:
        """Return node embeddings [n, width]: a sum of one for each kind of attribute."""
        h: Tensor = self.kind(batch.kinds)
        place = 0
        for attribute in self.attributes:
            assert isinstance(attribute, nn.Linear)
            h = h + torch.tanh(attribute(batch.rows[:, place : place + attribute.in_features]))
            place += attribute.in_features
        return h

    def states(self, batch: Batch, nodes: Tensor) -> Tensor:
        """Return the states [n, embedding] of nodes: what GIN says and what attention says."""
        h = F.dropout(nodes, DROPOUT, self.training)
        said: list[Tensor] = []
        if len(self.gin):
            passed = h
            for layer in self.gin:
                passed = layer(passed, batch.step)
            said.append(passed)
        if self.attention is not None:
            said.append(self.attended(batch, h, self.attention))
        return torch.cat(said, dim=1) if said else h

    def attended(self, batch: Batch, h: Tensor, attention: nn.Module) -> Tensor:
        """Return what nodes [n, width] become by attention to the nodes of their graph."""
        shape = len(batch.counts), batch.most, h.shape[1]
        at = batch.graph * batch.most + batch.place
        dense = h.new_zeros(shape[0] * shape[1], shape[2]).index_copy(0, at, h).view(shape)
        lacking = torch.arange(batch.most, device=h.device)[None] >= batch.counts[:, None]
        if self.shape.flow:  # what is lacking attends to itself, so that no row is empty
            apart = ~along(batch) | lacking[:, None]
            apart.diagonal(dim1=1, dim2=2).fill_(False)
            result: Tensor = attention(dense, mask=apart.repeat_interleave(self.shape.heads, dim=0))
        else:
            result = attention(dense, src_key_padding_mask=lacking)
        return result.reshape(-1, shape[2]).index_select(0, at)

    def pooled(self, batch: Batch, states: Tensor) -> Tensor:
        """Return embeddings [graphs, embedding]."""
        total = states.new_zeros(len(batch.counts), states.shape[1]).index_add(0, batch.graph, states)
        return total / batch.counts.clamp(min=1)[:, None]

    def forward(self, batch: Batch) -> Tensor:
        """Return embeddings [graphs, embedding]."""
        return self.pooled(batch, self.states(batch, self.nodes(batch)))

    @torch.inference_mode()
    def embed(self, graphs: Graphs, count: int | None = None) -> Tensor:
        """Return the embeddings [g, embedding] of the first graphs, or of all, without dropout."""
        self.eval()
        return torch.cat([self(batch) for batch in graphs.batches(count)]).clone()


def along(batch: Batch) -> Tensor:
    """Return whether a path leads from one node to another, either way, or they are one: [graphs, most, most]."""
    reach = torch.eye(batch.most, device=batch.graph.device).repeat(len(batch.counts), 1, 1)
    reach[batch.graph[batch.source], batch.place[batch.source], batch.place[batch.target]] = 1
    for _ in range(max(batch.most - 1, 1).bit_length()):
        reach = ((reach @ reach) > 0).float()
    return (reach + reach.transpose(1, 2)) > 0
