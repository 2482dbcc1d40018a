"""Equivalence: whether two models compute the same, tested by running both; a certificate says what was run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .certificate import Certificate, Check, Fault, Options, Side, as_data, as_text

if TYPE_CHECKING:
    import onnx
    from torch import Tensor, nn

    from ..frontends import Lowered
    from ..ir import Module

    Model = str | nn.Module | Module | Lowered | onnx.ModelProto


def verify(
    a: Model,
    b: Model,
    *example_inputs: Tensor,
    options: Options | None = None,
    shapes: Sequence[str] = (),
    data: str | None = None,
    weights_a: str | None = None,
    weights_b: str | None = None,
) -> Certificate:
    """Return the certificate of a test that two models compute the same.

    Args:
        a: the model that the other is held against: an nn.Module, a Module of the IR (with weights in a Lowered), an
            onnx.ModelProto, or what names one: ``model.py:Net``, ``timm:NAME``, ``model.onnx``, ``model.nasc``.
        b: the other one, likewise.
        example_inputs: inputs of an nn.Module that is given as an object; they tell the shapes that it takes.
        options: batch sizes, seeds, whether training mode is run, and the tolerance.
        shapes: shapes of the inputs of models that are named, ``1x3x32x32``.
        data: the data loader of a model.py whose first batch tells the shapes.
        weights_a: a safetensors file with the weights of A.
        weights_b: one with those of B, where they are not to be those of A.

    Each model is run by what runs it in truth: an nn.Module is called, an ONNX model goes to onnxruntime, IR becomes
    PyTorch. The same weights are put into both, by state-dict key or by matched layers. The weights and the mode of a
    given nn.Module are as before afterwards. It is a test, and proves nothing about inputs that were not run.

    Raises:
        NascError: where a model cannot be read, the two take different inputs, or weights do not fit.
    """
    from .verification import Request, certify

    request = Request(tuple(shapes), data, weights_a, weights_b)
    return certify(a, b, example_inputs, request, options or Options())


__all__ = ["Certificate", "Check", "Fault", "Options", "Side", "as_data", "as_text", "verify"]
