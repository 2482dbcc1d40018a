"""Tensors of an ONNX file as arrays: what a tensor claims is held against what the file has, before any allocation."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from ...ir import DType, NascError

Array = np.ndarray[Any, Any]

DTYPES: dict[int, DType] = {
    TensorProto.DOUBLE: DType.F64,
    TensorProto.FLOAT: DType.F32,
    TensorProto.FLOAT16: DType.F16,
    TensorProto.BFLOAT16: DType.BF16,
    TensorProto.INT64: DType.I64,
    TensorProto.INT32: DType.I32,
    TensorProto.INT16: DType.I16,
    TensorProto.INT8: DType.I8,
    TensorProto.UINT8: DType.U8,
    TensorProto.BOOL: DType.BOOL,
    TensorProto.COMPLEX64: DType.C64,
}
NUMPY: dict[DType, Any] = {
    DType.F64: np.float64,
    DType.F32: np.float32,
    DType.F16: np.float16,
    DType.BF16: ml_dtypes.bfloat16,
    DType.I64: np.int64,
    DType.I32: np.int32,
    DType.I16: np.int16,
    DType.I8: np.int8,
    DType.U8: np.uint8,
    DType.BOOL: np.bool_,
    DType.C64: np.complex64,
}
_OURS = {np.dtype(kind): dtype for dtype, kind in NUMPY.items()}
# Elements of a 16-bit float and the like stand in int32_data, one an entry; complex numbers take two entries.
_FIELDS: dict[int, str] = {
    TensorProto.DOUBLE: "double_data",
    TensorProto.FLOAT: "float_data",
    TensorProto.COMPLEX64: "float_data",
    TensorProto.INT64: "int64_data",
}
MAX_RANK = 32


def dtype_of(code: int, what: str) -> DType:
    """Return the dtype of an ONNX element type. Raises NascError where nasc has none."""
    if code not in DTYPES:
        names: dict[int, str] = {int(value): key.lower() for key, value in TensorProto.DataType.items()}
        name = names.get(code, f"number {code}")
        hint = f"expected one of: {', '.join(sorted(t.value for t in DTYPES.values()))}"
        raise NascError.of(f"{what} has elements of type {name}, which nasc has not", hint, "dtype")
    return DTYPES[code]


def our_dtype(array: Array) -> DType:
    """Return the dtype of an array; symbolic sizes are i64."""
    return DType.I64 if array.dtype == object else _OURS[array.dtype]


def to_torch(array: Array) -> torch.Tensor:
    """Return an array as a tensor of its own memory."""
    whole = np.array(array, order="C", copy=True)
    if whole.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(whole.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(whole)


def read_tensor(tensor: TensorProto, folder: Path | None, what: str) -> Array:
    """Return the values of a tensor; ``folder`` is where its external data may lie.

    Raises NascError where the dtype is unknown, or the data has not the size that the shape claims.
    """
    dtype = dtype_of(tensor.data_type, what)
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape) or len(shape) > MAX_RANK:
        raise NascError.of(f"{what} has the shape {_shown(shape)}", f"expected at most {MAX_RANK} sizes >= 0", "shape")
    expected = prod(shape) * dtype.size
    if tensor.data_location == TensorProto.EXTERNAL:
        return _external(tensor, shape, dtype, expected, folder, what)
    raw = tensor.HasField("raw_data")
    there = len(tensor.raw_data) if raw else _typed_count(tensor) * dtype.size
    if there != expected:
        raise _misfit(what, shape, dtype, expected, there)
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        raise NascError.of(f"{what} cannot be read: {error}", "the file may be damaged", "tensor") from None


def _typed_count(tensor: TensorProto) -> int:
    count = len(getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data")))
    return count // 2 if tensor.data_type == TensorProto.COMPLEX64 else count


def _misfit(what: str, shape: tuple[int, ...], dtype: DType, expected: int, there: int) -> NascError:
    return NascError.of(
        f"{what} claims {dtype.value}{_shown(shape)}, {expected} bytes, but has {there}",
        "the file may be cut short or damaged",
        "tensor-size",
    )


def _shown(shape: tuple[int, ...]) -> str:
    sizes = [str(size) for size in shape[:8]] + ["..."] * (len(shape) > 8)
    return f"[{','.join(sizes)}]"


def _external(
    tensor: TensorProto, shape: tuple[int, ...], dtype: DType, expected: int, folder: Path | None, what: str
) -> Array:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = external_path(entries.get("location", ""), folder, what)
    offset = _number(entries.get("offset", "0"), "offset", what)
    there = path.stat().st_size - offset
    length = _number(entries["length"], "length", what) if "length" in entries else expected
    if length != expected:
        raise _misfit(what, shape, dtype, expected, length)
    if there < expected:
        raise NascError.of(
            f"{what} claims {expected} bytes at {offset} of {path.name}, which has {path.stat().st_size}",
            "the file may be cut short",
            "tensor-size",
        )
    if expected == 0:
        return np.zeros(shape, NUMPY[dtype])
    return np.memmap(path, dtype=NUMPY[dtype], mode="r", offset=offset, shape=shape)


def external_path(location: str, folder: Path | None, what: str) -> Path:
    """Return the file of external data. Raises NascError where it is not a file below the model's folder."""
    if folder is None:
        hint = "give the path of the model, not the model itself"
        raise NascError.of(f"{what} has its data in {location!r}, beside the file of the model", hint, "external")
    base = Path(os.path.realpath(folder))
    try:
        path = Path(os.path.realpath(base / location))
        inside = bool(location) and not Path(location).is_absolute() and path.is_relative_to(base)
        there = inside and path.is_file()
    except (ValueError, OSError):
        raise NascError.of(f"{what} has its data in {location!r}", "expected the name of a file", "external") from None
    if not inside:
        hint = "external data must be a file below the folder of the model"
        raise NascError.of(f"{what} has its data in {location!r}, outside the model's folder", hint, "external")
    if not there:
        hint = "put the file beside the model; it holds its weights"
        raise NascError.of(f"{what} has its data in {location!r}, which is not there", hint, "external")
    return path


def _number(text: str, key: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NascError.of(f"{what} has its data at {key} {text!r}", "expected a number >= 0", "external")
    return int(text)


def newest_opset() -> int:
    """Return the newest opset of the standard domain that is known here."""
    return onnx.defs.onnx_opset_version()
