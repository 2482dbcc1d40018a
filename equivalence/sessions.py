"""Sessions: ONNX models run by onnxruntime on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..ir import Dim, DType, NascError, TensorType, symbol

if TYPE_CHECKING:
    import onnx

# The names that onnxruntime gives the dtypes of inputs and outputs.
_DTYPES = {
    "tensor(double)": DType.F64,
    "tensor(float)": DType.F32,
    "tensor(float16)": DType.F16,
    "tensor(int64)": DType.I64,
    "tensor(int32)": DType.I32,
    "tensor(int16)": DType.I16,
    "tensor(int8)": DType.I8,
    "tensor(uint8)": DType.U8,
    "tensor(bool)": DType.BOOL,
}


class Session:
    """An ONNX model ready to run. Raises NascError where onnxruntime does not take it."""

    def __init__(self, model: onnx.ModelProto | Path) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        given = os.fspath(model) if isinstance(model, Path) else model.SerializeToString()
        if isinstance(model, Path) and not model.is_file():
            raise NascError.of(f"there is no file {model}", "name an .onnx file", "no-file")
        try:
            self._session: Any = runtime.InferenceSession(given, options, ["CPUExecutionProvider"])
        except Exception as error:
            shown = str(error).strip().splitlines()[0]
            raise NascError.of(
                f"onnxruntime cannot load {model if isinstance(model, Path) else 'the model'}: {shown}",
                "check the file: python -c 'import onnx; onnx.checker.check_model(FILE, full_check=True)'",
                "onnxruntime",
            ) from error
        self._model = model
        self.how = f"run by onnxruntime {runtime.__version__}"
        self.inputs = tuple((value.name, _type(value)) for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    @cached_property
    def initializers(self) -> Mapping[str, Tensor]:
        """The tensors of the file by name."""
        import onnx

        model = onnx.load(self._model) if isinstance(self._model, Path) else self._model
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        return {name: torch.from_numpy(array.copy()) for name, array in arrays.items() if array.dtype.kind in "fiub"}

    def run(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs for these inputs, in order."""
        feed = {name: tensor.numpy() for (name, _), tensor in zip(self.inputs, inputs, strict=True)}
        return [torch.from_numpy(result) for result in self._session.run(None, feed)]


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise NascError.of(
            "onnxruntime is not installed, and an ONNX model is run by it", "pip install 'nasc[ort]'", "no-library"
        ) from None
    return onnxruntime


def _type(value: Any) -> TensorType:
    if value.type not in _DTYPES:
        raise NascError.of(f"input {value.name} is a {value.type}", "expected tensors of numbers", "inputs")
    shape: list[Dim] = []
    for axis, size in enumerate(value.shape):
        named = isinstance(size, str) and size.isidentifier()
        shape.append(size if isinstance(size, int) else symbol(size if named else f"{value.name}_{axis}"))
    return TensorType(_DTYPES[value.type], tuple(shape))
