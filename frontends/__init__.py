"""Frontends: models of other frameworks and files become modules of the IR."""

from .discovery import lower_source
from .lowered import Lowered
from .lowering import lower
from .onnx import lower_onnx
from .weights import read_weights, write_weights

__all__ = ["Lowered", "lower", "lower_onnx", "lower_source", "read_weights", "write_weights"]
