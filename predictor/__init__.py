"""The predictor: features of a network from its IR, a graph encoder, and a score without training."""

from .evaluation import evaluate
from .prediction import Prediction, Predictor
from .training import train

__all__ = ["Prediction", "Predictor", "evaluate", "train"]
