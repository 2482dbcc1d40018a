"""The recipe of the thesis, and the recipe with one choice changed, by name; first those that tell most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nasc.predictor.datasets import Dataset
from nasc.predictor.features import Arrays
from nasc.predictor.thesis.encoder import KINDS, TOGETHER, Shape
from nasc.predictor.thesis.pretraining import Pretraining, spread
from nasc.predictor.thesis.recipe import Recipe

EXPERTS = 48
"""The thesis does not say how many; its figures name clusters up to number 45."""
COMPARED = 2000
"""Networks that experts see in a step: a ranking loss compares each with each."""


@dataclass(frozen=True)
class Size:
    """How wide a variant is, how many networks it is trained on, and for how long."""

    width: int = 256
    graphs: int = 1000
    batch: int = 32
    passes: int = 3
    regressions: int = 200


class Spectra:
    """Spectra of graphs [g, 21], each solved once however often it is trained on."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], Tensor] = {}

    def __call__(self, graphs: Sequence[Arrays]) -> Tensor:
        """Return what :func:`.spread` does."""
        keys = [(len(graph.kinds), graph.edges.tobytes()) for graph in graphs]
        fresh = {key: graph for key, graph in zip(keys, graphs, strict=True) if key not in self._known}
        if fresh:
            self._known.update(zip(fresh, spread(list(fresh.values())), strict=True))
        return torch.stack([self._known[key] for key in keys])


SPECTRA = Spectra()


def variants(size: Size, unlabelled: Sequence[Dataset] = ()) -> Mapping[str, Recipe]:
    """Return all variants of a size; one is pretrained on unlabelled families too."""
    shape, training = Shape(size.width), Pretraining(size.passes, size.batch, spectra=SPECTRA)
    plain = Recipe(shape, training, size.graphs, regressions=size.regressions, compared=COMPARED)
    return {
        "the recipe": plain,
        "no pretraining": replace(plain, pretraining=replace(training, passes=0)),
        "one expert": replace(plain, components=1),
        "attention along the flow": replace(plain, shape=replace(shape, flow=True)),
        "no contrastive loss": replace(plain, pretraining=replace(training, contrast=0.0)),
        "no reconstruction": replace(plain, pretraining=replace(training, rebuild=0.0)),
        "hard labels": replace(plain, pretraining=replace(training, soft=False)),
        f"{EXPERTS} experts": replace(plain, components=EXPERTS),
        "encoder tuned by labels, ranking loss": replace(plain, tuned=2, loss="pairs"),
        "GIN alone": replace(plain, shape=replace(shape, heads=0)),
        "attention alone": replace(plain, shape=replace(shape, layers=0)),
        "statistics beside embeddings": replace(plain, statistics=True),
        "batches four times as large": replace(plain, pretraining=replace(training, batch=4 * size.batch)),
        "ranking loss": replace(plain, loss="pairs"),
        "encoder tuned by labels": replace(plain, tuned=2),
        "three GIN layers": replace(plain, shape=replace(shape, layers=3)),
        "temperature of 0.1 throughout": replace(plain, pretraining=replace(training, hot=0.1, cold=0.1)),
        "kinds of ops alone": replace(plain, shape=replace(shape, attributes=KINDS)),
        "all attributes in one embedding": replace(plain, shape=replace(shape, attributes=TOGETHER)),
        "pretrained on other families too, unlabelled": replace(plain, unlabelled=tuple(unlabelled)),
        "three times as many passes": replace(plain, pretraining=replace(training, passes=3 * size.passes)),
        "three members": replace(plain, members=3),
    }
