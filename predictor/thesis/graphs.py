"""Many graphs side by side on one device, from which batches are gathered there: nothing is joined anew for a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..encoder import Batch
from ..features import Arrays
from ..kernels.relation import Relation, Step, starts

Integers = NDArray[np.int64]
NODES, NODES_OF_A_GPU = 4000, 20000
"""Nodes of a batch that needs no gradient: on a CPU they stay in the cache, on a GPU there is work for all of it."""


@dataclass(frozen=True, eq=False)
class Graphs:
    """Graphs whose parts lie on a device, all nodes in one axis and all edges in another.

    ``arrays`` are the graphs, ``sizes`` [4, g] on the host say how many nodes and edges each has and where they begin.
    ``kinds`` [n] and ``rows`` [n, r] are those of :class:`.Batch`. ``sources`` [e] are the nodes that node after node
    reads, counted within their graph, ``readers`` [e] those that read it, ``degrees`` [2, n] how many of either it has.
    ``statistics`` [g, s] are those of the whole networks.
    """

    arrays: Sequence[Arrays]
    sizes: Integers
    kinds: Tensor
    rows: Tensor
    sources: Tensor
    readers: Tensor
    degrees: Tensor
    statistics: Tensor

    @staticmethod
    def of(arrays: Sequence[Arrays], device: torch.device) -> Graphs:
        """Return graphs, at least one, on a device."""
        counts = np.array([(len(one.kinds), one.edges.shape[1]) for one in arrays], np.int64).T
        sizes = np.concatenate([counts, np.cumsum(counts, axis=1) - counts])
        source, target = np.concatenate([one.edges for one in arrays], axis=1).astype(np.int64)
        first = np.repeat(sizes[2], counts[1])
        ahead, back = (np.argsort(first + ends, kind="stable") for ends in (target, source))
        degrees = [np.bincount(first + ends, minlength=int(counts[0].sum())) for ends in (target, source)]
        parts = (
            np.concatenate([one.kinds for one in arrays]).astype(np.int64),
            np.concatenate([one.rows for one in arrays]),
            source[ahead],
            target[back],
            np.stack(degrees),
            np.stack([one.statistics for one in arrays]).astype(np.float32),
        )
        return Graphs(arrays, sizes, *(torch.from_numpy(part).to(device) for part in parts))

    def __len__(self) -> int:
        """Return how many graphs there are."""
        return len(self.arrays)

    @property
    def device(self) -> torch.device:
        """Where the graphs lie."""
        return self.kinds.device

    def batch(self, chosen: NDArray[np.intp]) -> Batch:
        """Return the graphs at these positions as one batch, as :func:`.collate` joins them but for the order of edges.

        It knows all that is otherwise counted or sorted on demand, so that a GPU is never waited for.
        """
        sizes = self.sizes[:, chosen]
        nodes, edges = int(sizes[0].sum()), int(sizes[1].sum())
        where, counts, edge_counts, first, first_edge = torch.from_numpy(np.vstack([chosen, sizes])).to(self.device)
        before = counts.cumsum(0) - counts
        graph = _owners(counts, nodes)
        place = torch.arange(nodes, device=self.device) - before[graph]
        at = first[graph] + place
        edge_graph = _owners(edge_counts, edges)
        shift = (edge_counts.cumsum(0) - edge_counts)[edge_graph]
        edge_at = torch.arange(edges, device=self.device) - shift + first_edge[edge_graph]
        begins = before[edge_graph]
        degrees = self.degrees[:, at]
        sources, readers = (
            Relation(starts(degree), part[edge_at] + begins, nodes)
            for degree, part in zip(degrees, (self.sources, self.readers), strict=True)
        )
        target = _owners(degrees[0], edges)
        made = Batch(self.kinds[at], self.rows[at], sources.index, target, graph, self.statistics[where])
        vars(made).update(step=_step(sources, readers), counts=counts, place=place, most=int(sizes[0].max()))
        return made

    def batches(self, count: int | None = None) -> Iterator[Batch]:
        """Yield the first graphs, or all, in order, in batches for which no gradient is wanted."""
        sizes = self.sizes[0, :count].tolist()
        limit = NODES_OF_A_GPU if self.kinds.is_cuda else NODES
        start = total = 0
        for end, size in enumerate(sizes):
            if end > start and total + size > limit:
                yield self.batch(np.arange(start, end))
                start, total = end, 0
            total += size
        yield self.batch(np.arange(start, len(sizes)))


def _owners(counts: Tensor, total: int) -> Tensor:
    """Return the position of each count [n] as often as it says, so many in all."""
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts, output_size=total)


def _step(sources: Relation, readers: Relation) -> Step:
    """Return the step over whole graphs, in which who is read by a node is read as a source, and nodes are their own.

    So each relation is known the other way round, on a GPU without a sort.
    """
    step = Step(sources, readers)
    if sources.start.is_cuda:
        vars(sources)["transposed"], vars(readers)["transposed"] = readers, sources
        vars(step.ownership)["transposed"] = step.ownership
    return step
