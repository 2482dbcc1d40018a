"""One token through a Llama as a CUDA graph: a GPU takes longer to be told of its 600 small kernels than to run them.

A graph is recorded for each length of the memory that is looked at, in steps of BUCKET places, and replayed for every
token that stands there. Only imported where there is a GPU, and by tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .llama import Llama

BUCKET: Final = 256


class Replay:
    """The step of a model from one token to its hidden state, in buffers that stay where they are."""

    def __init__(self, model: Llama) -> None:
        """Record nothing before the first token."""
        self._model = model
        self._token = torch.zeros(1, dtype=torch.long, device=model.device)
        self._place = torch.zeros(1, dtype=torch.long, device=model.device)
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def __call__(self, token: int, place: int) -> Tensor:
        """Read a token at its place of the memory; returns its hidden state [1, width], overwritten by the next."""
        end = self.put(token, place)
        if end not in self._graphs:
            self._graphs[end] = self._record(end)
        graph, hidden = self._graphs[end]
        graph.replay()
        return hidden

    def put(self, token: int, place: int) -> int:
        """Set what the step reads, and return how many places of the memory it looks at."""
        self._token.fill_(token)
        self._place.fill_(place)
        return min((place // BUCKET + 1) * BUCKET, self._model.shape.context)

    def step(self, end: int) -> Tensor:
        """Return the hidden state [1, width] of the token that was put; only ``end`` decides what is launched."""
        mask = torch.arange(end, device=self._model.device) <= self._place[:, None]
        return self._model.through(self._model.embedded(self._token), self._place, end, mask)

    def _record(self, end: int) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Return the recorded step and where its result will lie. A step may run twice: it writes the same again."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries allocate at their first call, which a recording does not allow
            self.step(end)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            hidden = self.step(end)
        return graph, hidden
