"""The ONNX frontend: a file is read with care, interpreted node by node, and its weights given to layers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...ir import TensorType
from ..lowered import Lowered

if TYPE_CHECKING:
    from onnx import ModelProto


def lower_onnx(model: str | os.PathLike[str] | ModelProto, inputs: Sequence[TensorType] = ()) -> Lowered:
    """Return an ONNX model, a file or one at hand, as a module of the IR with its weights.

    Opsets 13 to the newest that the installed onnx knows. Initializers become weights, functions and branches of
    known condition are written out, arithmetic on shapes is folded, and layers that the file spells as arithmetic
    are found again (``Raise``, ``CancelTransposes``). The size of the first open axis in front is the batch N; other
    open sizes keep their names, and ``inputs``, one type an input, fixes them. Layers are named after their weights
    (``layer1.0.conv1.weight``), the metadata of the node, or its name.

    Raises:
        NascError: with the file and the node, for each thing that is wrong: a damaged or hostile file, operators that
            nasc does not know (all of them), values that depend on data where the architecture would.
    """
    from .lowering import lower_model

    if isinstance(model, str | os.PathLike):
        path = Path(model)
        if not path.is_file():
            from ..source import missing_file

            raise missing_file(str(path))
        return lower_model(path, inputs)
    return lower_model(model, inputs)


__all__ = ["lower_onnx"]
