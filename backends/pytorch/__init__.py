"""The PyTorch backend: readable source from the IR."""

from .source import emit_torch

__all__ = ["emit_torch"]
