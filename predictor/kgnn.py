"""The baseline of the papers: a k-GNN (GraphConv, Morris et al. 2019) trained on the nodes' rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.nn import GraphConv, global_mean_pool

from .batch import batches, collate
from .datasets import Dataset, Score
from .encoder import Batch
from .features import ROW
from .kinds import Kind
from .targets import normal_scores

EPOCHS = 3
MOST = 1500
"""Networks that are trained on, shared out among the sources: the baseline has to end in minutes on one core."""


class KGnn(nn.Module):
    """Four GraphConv layers 64 wide, the mean over the nodes, and an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = nn.Embedding(len(Kind), 64)
        self.row = nn.Linear(len(ROW), 64)
        self.layers = nn.ModuleList(GraphConv(64, 64, aggr="mean") for _ in range(4))
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, batch: Batch) -> Tensor:
        """Return scores [g]."""
        h: Tensor = self.kind(batch.kinds) + self.row(batch.rows)
        edges = torch.stack([torch.cat([batch.source, batch.target]), torch.cat([batch.target, batch.source])])
        for layer in self.layers:
            h = F.relu(cast(Tensor, layer(h, edges)))
        pooled: Any = global_mean_pool(h, batch.graph, len(batch.statistics))
        result: Tensor = self.head(pooled).squeeze(-1)
        return result


def kgnn(sources: Sequence[Dataset], seed: int) -> Score:
    """Train on the normal scores within each source, AdamW, batches of 64."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    parts = [s.take(rng.permutation(len(s.x))[: MOST // len(sources)]) for s in sources]
    graphs = [graph for s in parts for graph in s.graphs]
    targets = torch.from_numpy(np.concatenate([normal_scores(s.labels[:, 0]) for s in parts])).float()
    model = KGnn()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    for _ in range(EPOCHS):
        for chosen in np.array_split(rng.permutation(len(graphs)), max(len(graphs) // 64, 1)):
            value = F.smooth_l1_loss(model(collate([graphs[i] for i in chosen])), targets[torch.from_numpy(chosen)])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()

    @torch.inference_mode()
    def score(sample: Dataset) -> NDArray[np.float64]:
        parts = [model(batch) for batch in batches(sample.graphs)]
        return torch.cat(parts).numpy().astype(np.float64)

    return score
