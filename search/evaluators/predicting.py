"""The predictor as an evaluator: no training, some milliseconds a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...ir import Module
from .evaluator import Outcome
from .specification import shown


@dataclass(frozen=True, slots=True)
class PredictorOptions:
    """``weights`` is a file of weights; empty is the one shipped."""

    weights: str = ""


class PredictorEvaluator:
    """Scores networks by the shipped predictor, or by other weights. Raises NascError where these cannot be read."""

    def __init__(self, options: PredictorOptions | None = None) -> None:
        from ...predictor import Predictor

        self.options = options or PredictorOptions()
        self.predictor = Predictor.load(self.options.weights or None)

    @property
    def name(self) -> str:
        """``predictor``, with its weights where they are not those shipped."""
        return shown("predictor", "", {key: value for key, value in asdict(self.options).items() if value})

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return the score in standard deviations of the training family, the accuracy (0..1) that it stands for,
        its uncertainty and how near the network is to those trained on.
        """  # noqa: D205
        found = self.predictor.predict([module])[0]
        metrics = {
            "score": found.score,
            "predicted_accuracy": found.accuracy,
            "std": found.std,
            "in_domain": found.in_domain,
        }
        return Outcome("done", metrics)
