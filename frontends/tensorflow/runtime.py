"""TensorFlow and tf2onnx, imported quietly, with the one operation that tf2onnx lacks."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Generator
from importlib import import_module
from types import ModuleType
from typing import Any

from ...ir import NascError
from ..frameworks import make_way

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


def tensorflow() -> ModuleType:
    """Return TensorFlow. Raises NascError where it or tf2onnx is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    make_way()
    try:
        with quiet(), silent():
            tf, _ = import_module("tensorflow"), import_module("tf2onnx")
    except ImportError as error:
        raise NascError.of(f"{error.name} is not installed", "pip install 'nasc[tf]'", "no-library") from error
    return tf


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep back the logs and warnings of TensorFlow and tf2onnx, which say nothing about the user's model."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx", "absl")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def silent() -> Generator[None]:
    """Keep back what the C++ side of TensorFlow writes to the error stream itself, whatever its log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    hole = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hole, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hole)


def erfc(context: Any, node: Any, name: str, args: Any) -> None:
    """Write ``Erfc``, of which exact GELU is made, into the graph of tf2onnx: ``erfc(-y)`` is ``1 + erf(y)``."""
    import numpy as np

    shape, dtype = context.get_shape(node.output[0]), context.get_dtype(node.output[0])
    like = {"shapes": [shape], "dtypes": [dtype]}
    operand, op = node.input[0], "Sub"
    product = node.inputs[0]
    negated = [i for i, one in enumerate(product.inputs) if product.type == "Mul" and one.type == "Neg"]
    if negated:
        factors = list(product.input)
        factors[negated[0]] = product.inputs[negated[0]].input[0]
        operand, op = context.make_node("Mul", factors, name=f"{name}/product", **like).output[0], "Add"
    outputs = list(node.output)
    context.remove_node(node.name)
    erf = context.make_node("Erf", [operand], name=f"{name}/erf", **like)
    one = context.make_const(f"{name}/one", np.array(1.0, dtype=np.float32))
    context.make_node(op, [one.output[0], erf.output[0]], outputs=outputs, name=name, **like)
