"""Values: dtypes, shapes and tensors of the IR as those of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir
from onnx_ir import DataType
from onnx_ir.tensor_adapters import TorchTensor

from ...ir import DType, Op, TensorType
from ..pytorch.tables import content

if TYPE_CHECKING:
    from torch import Tensor

DATA_TYPES: Mapping[DType, DataType] = MappingProxyType(
    {
        DType.F64: DataType.DOUBLE,
        DType.F32: DataType.FLOAT,
        DType.F16: DataType.FLOAT16,
        DType.BF16: DataType.BFLOAT16,
        DType.I64: DataType.INT64,
        DType.I32: DataType.INT32,
        DType.I16: DataType.INT16,
        DType.I8: DataType.INT8,
        DType.U8: DataType.UINT8,
        DType.BOOL: DataType.BOOL,
        DType.C64: DataType.COMPLEX64,
    }
)


def typed(value: onnx_ir.Value, type: TensorType) -> onnx_ir.Value:
    """Give a value its dtype and shape; a symbolic size is named by its expression."""
    value.type = onnx_ir.TensorType(DATA_TYPES[type.dtype])
    value.shape = onnx_ir.Shape([size if isinstance(size, int) else str(size) for size in type.shape])
    return value


def array(values: object, dtype: DType) -> onnx_ir.TensorProtocol:
    """Return numbers as a tensor."""
    data = DATA_TYPES[dtype]
    made: Any = np.asarray(values)
    return onnx_ir.Tensor(made.astype(data.numpy()), dtype=data)


def stored(op: Op, key: str, type: TensorType) -> onnx_ir.TensorProtocol:
    """Return the tensor that a constant holds as text. Raises NascError where its data is damaged."""
    data, shape = DATA_TYPES[type.dtype], [int(str(size)) for size in type.shape]
    raw = content(op, str(op.attributes()["data"]), int(np.prod(shape)) * type.dtype.size)
    values = np.frombuffer(raw, dtype=data.numpy().newbyteorder("<")).reshape(shape)
    return onnx_ir.Tensor(values, dtype=data, name=key)


def carried(tensor: Tensor, key: str) -> onnx_ir.TensorProtocol:
    """Return a weight; its memory is shared, and read when the model is written."""
    return TorchTensor(tensor.detach().cpu().contiguous(), name=key)


def integers(values: Sequence[int]) -> onnx_ir.TensorProtocol:
    """Return int64 numbers in a row: axes, sizes, pads."""
    return array(list(values), DType.I64)
