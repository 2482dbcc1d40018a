"""Guides: scores of networks that cost no evaluation, to choose among many candidates.

``predictor`` is the shipped predictor as it is. ``learned`` corrects it by the trials of the study: a Gaussian
process over the predictor's embeddings, whose mean is the prediction and whose upper confidence bound is the score
(Srinivas et al., 2010).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...ir import Module, NascError
from ..engine import Proposal, Trial
from .ranking import score_of, usable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Guide = Callable[[Sequence[Module]], list[float]]
GUIDES = ("predictor", "learned")
_FEWEST = 8
_BOLD = 1.0
_LENGTHS = (1.0, 3.0, 9.0)
_NOISES = (0.03, 0.1, 0.3)


def guide_of(name: str, trials: Sequence[Trial]) -> Guide:
    """Return the guide of a name; ``learned`` is ``predictor`` until eight trials have scores. Raises NascError."""
    if name not in GUIDES:
        raise NascError.of(f"there is no guide {name!r}", f"expected one of: {', '.join(GUIDES)}", "strategy")
    known = usable(trials)
    if name == "predictor" or len(known) < _FEWEST:
        return predicted
    return learned(known)


def likeliest(proposals: Sequence[Proposal], guide: Guide, count: int) -> list[Proposal]:
    """Return the proposals that a guide scores best, at most so many."""
    made = [(proposal, proposal.module) for proposal in proposals if proposal.module is not None]
    scores = guide([module for _, module in made]) if made else []
    order = sorted(range(len(made)), key=lambda i: (-scores[i], i))
    return [made[i][0] for i in order[:count]]


def predicted(modules: Sequence[Module]) -> list[float]:
    """Return what the shipped predictor says of networks."""
    from ...predictor import Predictor

    return [prediction.score for prediction in Predictor.load().predict(modules)]


def learned(trials: Sequence[Trial]) -> Guide:
    """Return a guide that knows how the predictor erred on trials."""
    import numpy as np

    from ...predictor.gaussian_process import GaussianProcess, Kernel, squares

    ranks = np.argsort(np.argsort([score_of(trial) for trial in trials])).astype(np.float64)
    x, prior = _inputs([trial.module for trial in trials if trial.module is not None])
    apart = squares(x, x)
    middle = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
    kernels = [Kernel(length / middle) for length in _LENGTHS]
    known = GaussianProcess.fitted(x, prior, (ranks - ranks.mean()) / (ranks.std() or 1.0), kernels, _NOISES)

    def score(modules: Sequence[Module]) -> list[float]:
        z, first = _inputs(modules)
        bound: list[float] = (known.mean(z, first) + _BOLD * known.deviation(z)).tolist()
        return bound

    return score


def _inputs(modules: Sequence[Module]) -> tuple[Floats, Floats]:
    """Return the embeddings of networks, of length 1 on average, and their predicted scores."""
    import numpy as np

    from ...predictor import Predictor

    x = np.asarray(Predictor.load().embed(modules), dtype=np.float64)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.maximum(norms, 1e-9), np.asarray(predicted(modules), dtype=np.float64)
