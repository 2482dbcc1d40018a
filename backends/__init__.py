"""Backends: other views of the IR: PyTorch source, Graphviz."""

from .dot import emit_dot
from .pytorch import emit_torch

__all__ = ["emit_dot", "emit_torch"]
