"""Files: a model written whole or not at all, large weights beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import onnx_ir

from ...ir import Module, NascError
from .models import LIMIT, model, weight_bytes

if TYPE_CHECKING:
    from torch import Tensor


def write(
    path: str | os.PathLike[str],
    module: Module,
    weights: Mapping[str, Tensor] | None,
    opset: int,
    functions: bool,
    limit: int = LIMIT,
) -> tuple[str, ...]:
    """Write a model; weights of more than ``limit`` bytes go into a file beside it. Returns the files' names.

    Everything is written into a folder beside the target first, so that nothing half-written takes its place.
    """
    made = model(module, weights, opset, functions)
    target = Path(path)
    beside = f"{target.name}.data" if weight_bytes(made) > limit else None
    names = [beside, target.name] if beside else [target.name]
    try:
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
        try:
            onnx_ir.save(made, folder / target.name, format="protobuf", external_data=beside)
            for name in names:
                os.replace(folder / name, target.parent / name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise NascError.of(
            f"{target}: cannot be written: {error.strerror}", "name a file in a folder that exists", "onnx-file"
        ) from None
    return tuple(reversed(names))
