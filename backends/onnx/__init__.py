"""ONNX: a module as a model file that other runtimes run and viewers show."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...ir import Module

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

OPSET = 20
"""The opset that is written where none is asked for: the first with Gelu, and known to every current runtime."""


def emit_onnx(
    module: Module, weights: Mapping[str, Tensor] | None = None, *, opset: int = OPSET, functions: bool = False
) -> onnx.ModelProto:
    """Return a module as an ONNX model, valid for ``onnx.checker`` with full checks.

    Args:
        module: any module that ``checked`` accepts; types may be left out.
        weights: the tensors by state-dict key, as ``lower`` gives them. None draws them as ``build_model()`` of the
            emitted PyTorch would under seed 0.
        opset: the version of the operators, 18 to 26.
        functions: keep blocks as local functions of the file, one for each set of arguments; else calls are expanded.

    Initializers are called by their state-dict keys, nodes by their paths and ops; a symbolic size is a named
    dimension. The metadata of a node holds ``nasc.path``, ``nasc.loc`` (file:line:column) and its notes
    (``nasc.relevance``). Layers compute as in evaluation mode; dropout stays, as the operator that does nothing then.

    Raises:
        NascError: where the module is wrong, for each op or size that ONNX cannot express, and for each weight that
            is missing or does not fit, with the layer and its source line.
    """
    from .models import proto

    return proto(module, weights, opset, functions)


def write_onnx(
    path: str | os.PathLike[str],
    module: Module,
    weights: Mapping[str, Tensor] | None = None,
    *,
    opset: int = OPSET,
    functions: bool = False,
) -> tuple[str, ...]:
    """Write a module as an .onnx file, whole or not at all, and return the names of the files.

    A model of more than 2 GB, which one file cannot hold, keeps its weights in ``<name>.data`` beside it. The
    arguments are those of ``emit_onnx``. Raises NascError as it does, and where the folder cannot be written.
    """
    from .files import write

    return write(path, module, weights, opset, functions)


__all__ = ["OPSET", "emit_onnx", "write_onnx"]
