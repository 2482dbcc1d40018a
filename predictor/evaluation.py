"""How well the predictor ranks a family, beside parameters and multiply-accumulates as rankers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ir import NascError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .prediction import Predictor


@dataclass(frozen=True, slots=True)
class Ranking:
    """Agreement of a ranking with measured accuracy: Spearman's rho, Kendall's tau-b and NDCG@10.

    NDCG@10 takes the accuracy, rescaled to 0..1 over the family, as gain, with logarithmic discount (Jarvelin
    and Kekalainen, 2002).
    """

    spearman: float
    kendall: float
    ndcg10: float

    def as_json(self) -> dict[str, float | None]:
        """Return plain data, None for a measure that is not a number."""
        return {measure: None if isnan(value) else value for measure, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Scores:
    """Rankings of one family by ranker: ``predictor``, ``params`` and ``macs``."""

    family: str
    count: int
    rankers: Mapping[str, Ranking]

    def as_json(self) -> dict[str, object]:
        """Return plain data."""
        rankers = {name: ranking.as_json() for name, ranking in self.rankers.items()}
        return {"family": self.family, "count": self.count, "rankers": rankers}


def evaluate(
    family: str,
    *,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    on_event: Callable[[str], None] | None = None,
    predictor: Predictor | None = None,
    task: str | None = None,
) -> Scores:
    """Rank the networks of a family with the shipped predictor, or another, and compare with measurements.

    The ranking is held against the accuracy in ``task``, else in the family's own, and the score is conditioned on it.
    Networks are counted as the table lists them; parameters and MACs are those of what reaches the output.
    Raises NascError where the family or its table is not there, or was not trained for the task.
    """
    from .datasets import load
    from .families import family as found
    from .prediction import Predictor

    chosen, known = task or found(family).task, list(found(family).tasks)
    if chosen not in known:
        raise NascError.of(f"{family} has no accuracies in {chosen!r}", f"it has {', '.join(known)}", "task")
    data = load(family, data_dir, limit, on_event)
    accuracy = data.accuracies[:, known.index(chosen)]
    scores, _ = (predictor or Predictor.load()).ensemble.scores(data.graphs, chosen)
    rankers: dict[str, NDArray[np.floating]] = {
        "predictor": scores,
        "params": data.params,
        "macs": data.macs,
    }
    return Scores(family, len(data.graphs), {name: ranking(values, accuracy) for name, values in rankers.items()})


def ranking(scores: NDArray[np.floating], accuracy: NDArray[np.float64]) -> Ranking:
    """Return how well scores [n] rank accuracies [n]; rho and tau are NaN where either is constant."""
    from scipy.stats import kendalltau, spearmanr

    if not len(scores) or scores.min() == scores.max() or accuracy.min() == accuracy.max():
        return Ranking(nan, nan, ndcg(scores, accuracy, 10))
    # SciPy's results are named tuples that its stubs do not know.
    rho: Any = spearmanr(scores, accuracy)
    tau: Any = kendalltau(scores, accuracy)
    return Ranking(float(rho.statistic), float(tau.statistic), ndcg(scores, accuracy, 10))


def ndcg(scores: NDArray[np.floating], accuracy: NDArray[np.float64], top: int) -> float:
    """Return the discounted gain of the best ``top`` by score over that of the best by accuracy; 1 if all are equal."""
    import numpy as np

    if not len(accuracy):
        return nan
    span = float(accuracy.max() - accuracy.min())
    gains = (accuracy - accuracy.min()) / (span or 1.0)
    chosen = gains[np.argsort(-scores, kind="stable")[:top]]
    ideal = np.sort(gains)[::-1][:top]
    discount = 1 / np.log2(np.arange(len(chosen)) + 2)
    return float((chosen @ discount) / (ideal @ discount)) if span else 1.0
