"""Joins the arrays of many graphs into one batch of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from .encoder import Batch
from .features import Arrays


def collate(graphs: Sequence[Arrays]) -> Batch:
    """Return one batch of all graphs, in order."""
    counts = [len(g.kinds) for g in graphs]
    starts = np.cumsum([0, *counts[:-1]])
    edges = [g.edges + start for g, start in zip(graphs, starts, strict=True)]
    source, target = torch.from_numpy(np.concatenate(edges, axis=1).astype(np.int64))
    return Batch(
        kinds=torch.from_numpy(np.concatenate([g.kinds for g in graphs]).astype(np.int64)),
        rows=torch.from_numpy(np.concatenate([g.rows for g in graphs])),
        source=source,
        target=target,
        graph=torch.from_numpy(np.repeat(np.arange(len(graphs)), counts)),
        statistics=torch.from_numpy(np.stack([g.statistics for g in graphs]).astype(np.float32)),
    )


def batches(graphs: Sequence[Arrays], nodes: int = 20000) -> Iterator[Batch]:
    """Yield batches of about this many nodes, in order."""
    group: list[Arrays] = []
    total = 0
    for graph in graphs:
        if group and total + len(graph.kinds) > nodes:
            yield collate(group)
            group, total = [], 0
        group.append(graph)
        total += len(graph.kinds)
    if group:
        yield collate(group)
