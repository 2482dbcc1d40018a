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

    shown = [trial.module for trial in trials if trial.module is not None]
    ranks = np.argsort(np.argsort([score_of(trial) for trial in trials])).astype(np.float64)
    targets = _standardised(ranks)
    x, prior = _inputs(shown)
    centre, spread = prior.mean(), prior.std() or 1.0
    agreement = max(float(np.corrcoef(prior, targets)[0, 1]), 0.0) if prior.std() else 0.0
    residual = targets - agreement * (prior - centre) / spread
    length, inverse = _fitted(x, residual)

    def score(modules: Sequence[Module]) -> list[float]:
        z, first = _inputs(modules)
        across = _kernel(z, x, length)
        mean = agreement * (first - centre) / spread + across @ (inverse @ residual)
        variance = np.maximum(1.0 - np.einsum("ij,jk,ik->i", across, inverse, across), 0.0)
        return [float(value) for value in mean + _BOLD * np.sqrt(variance)]

    return score


def _inputs(modules: Sequence[Module]) -> tuple[Floats, Floats]:
    """Return the embeddings of networks, of length 1 on average, and their predicted scores."""
    import numpy as np

    from ...predictor import Predictor

    x = np.asarray(Predictor.load().embed(modules), dtype=np.float64)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.maximum(norms, 1e-9), np.asarray(predicted(modules), dtype=np.float64)


def _fitted(x: Floats, residual: Floats) -> tuple[float, Floats]:
    """Return the length and the inverse of the covariance of the least error when each trial is left out in turn.

    The error left out is ``(K^-1 y)_i / (K^-1)_ii`` (Rasmussen and Williams, 2006, 5.4.2).
    """
    import numpy as np

    def fit(length: float, noise: float) -> tuple[float, float, Floats]:
        inverse: Floats = np.linalg.inv(_kernel(x, x, length) + noise * np.eye(len(x))).astype(np.float64)
        return float(np.mean((inverse @ residual / np.diag(inverse)) ** 2)), length, inverse

    fits = [fit(length / _median(x), noise) for length in _LENGTHS for noise in _NOISES]
    _, length, inverse = min(fits, key=lambda found: found[0])
    return length, inverse


def _median(x: Floats) -> float:
    import numpy as np

    squares = _squares(x, x)
    return float(np.median(squares[squares > 0])) if (squares > 0).any() else 1.0


def _kernel(a: Floats, b: Floats, length: float) -> Floats:
    import numpy as np

    result: Floats = np.exp(-_squares(a, b) * length / 2)
    return result


def _squares(a: Floats, b: Floats) -> Floats:
    import numpy as np

    result: Floats = np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T, 0.0)
    return result


def _standardised(values: Floats) -> Floats:
    result: Floats = (values - values.mean()) / (values.std() or 1.0)
    return result
