"""The predictor as its users see it: modules in, scores with standard deviations out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import Module, memoised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .ensemble import Ensemble
    from .features import Features

ENVIRONMENT = "NASC_WEIGHTS"
"""The environment variable that names other weights than the shipped ones."""

SHIPPED = Path(__file__).parent / "weights" / "nasc.safetensors"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is predicted for one network.

    ``score`` is in standard deviations of the training family: 0 is its median network; it has no upper end, so that a
    better network always scores higher. Scores for different tasks do not compare. ``std`` is its uncertainty in the
    same unit. ``accuracy`` is the score on the scale of the ``task`` (a fraction in 0..1). ``in_domain`` is the share
    of training networks that are no likelier than this one, 0 for a network far from all of them.
    """

    score: float
    std: float
    accuracy: float
    in_domain: float = 1.0
    task: str = "cifar10"

    @property
    def known(self) -> bool:
        """Whether the network lies near enough to what was trained on for the score to mean anything."""
        return self.in_domain > 0


class Predictor:
    """Scores networks without training them.

    >>> from nasc.frontends.cells import nb201
    >>> from nasc.predictor import Predictor
    >>> deep = nb201("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    >>> flat = nb201("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|")
    >>> best, worst = Predictor.load().predict([deep, flat])
    >>> best.score > worst.score
    True
    """

    def __init__(self, ensemble: Ensemble) -> None:
        """Wrap trained networks; :meth:`load` reads the shipped ones."""
        self.ensemble = ensemble

    @staticmethod
    def load(path: str | Path | None = None) -> Predictor:
        """Return the predictor of a weights file, or of the folder that ``nasc train`` wrote it into.

        By default that which the environment variable ``NASC_WEIGHTS`` names, else the shipped one. A file is read once
        and again when another takes its place. Raises NascError where it is missing, damaged or of another version.
        """
        named = path or os.environ.get(ENVIRONMENT)
        place = _file(Path(named)) if named else SHIPPED
        return _load(place.absolute(), _written(place))

    @property
    def family_std(self) -> float:
        """Standard deviation of the scores over the training family."""
        return self.ensemble.card.family_std

    def threshold(self, baseline: float) -> float:
        """Return the score at which a rewrite of a network with score ``baseline`` is worth its name."""
        return baseline + self.family_std / 4

    def predict(self, modules: Iterable[Module], task: str | None = None) -> list[Prediction]:
        """Return one prediction a module, for a task of ``TASKS``, else for that which each one's sizes suggest.

        Raises NascError where a module's types cannot be inferred, and for another task.
        """
        graphs = [_features(module) for module in modules]
        tasks = [_task(graph, task) for graph in graphs]
        embeddings = self.ensemble.embeddings(graphs)
        scores, stds = self.ensemble.scores(graphs, tasks, embeddings)
        shares, card = self.ensemble.in_domain(graphs, embeddings), self.ensemble.card
        return [
            Prediction(float(score), float(std), card.accuracy(float(score), asked), float(share), asked)
            for score, std, share, asked in zip(scores, stds, shares, tasks, strict=True)
        ]

    def embed(self, modules: Iterable[Module]) -> NDArray[np.float32]:
        """Return the graph embeddings, [modules, d]."""
        return self.ensemble.embeddings([_features(module) for module in modules])

    def score_masked(self, module: Module, masks: Sequence[Iterable[str]], task: str | None = None) -> list[float]:
        """Return the score of each masked variant of a flat module; the empty mask is the module as it is.

        A mask names nodes of the entry graph. A masked node computes nothing: a mask token takes the place of
        its features, its edges stay, and its parameters, MACs and depth leave the statistics (Algorithm 2 of
        the thesis behind nasc). Nodes that only move data (reshape, dropout) change nothing. All variants are
        encoded together.
        """
        from .features import mask_places

        graph = _features(module)
        scores = self.ensemble.masked_scores(graph, mask_places(graph, masks), _task(graph, task))
        return [float(score) for score in scores]


def _file(path: Path) -> Path:
    return path / SHIPPED.name if path.is_dir() else path


def _written(path: Path) -> tuple[int, int]:
    """Return what changes where another file is written in this place: nanoseconds and number of the file."""
    with suppress(OSError):
        state = path.stat()
        return state.st_mtime_ns, state.st_ino
    return 0, 0


@lru_cache(maxsize=4)
def _load(path: Path, written: tuple[int, int]) -> Predictor:
    from .ensemble import Ensemble

    del written  # a part of what is remembered by
    return Predictor(Ensemble.read(path))


@memoised
def _features(module: Module) -> Features:
    from .features import features

    return features(module)


def _task(graph: Features, given: str | None) -> str:
    from .tasks import checked_task, guessed

    return guessed(graph.layout) if given is None else checked_task(given)
