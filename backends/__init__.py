"""Backends: other views of the IR: PyTorch source and models, ONNX, blocks of NADER, Graphviz."""

from .dot import emit_dot
from .instances import instantiate
from .nader import emit_nader
from .onnx import emit_onnx, write_onnx
from .pytorch import emit_torch

__all__ = ["emit_dot", "emit_nader", "emit_onnx", "emit_torch", "instantiate", "write_onnx"]
