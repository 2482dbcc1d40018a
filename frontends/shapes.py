"""Input shapes as people type them: ``1x3x32x32``, ``i64[1,128]``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..ir import DType, NascError, TensorType, did_you_mean

_PLAIN = re.compile(r"\d+(x\d+)*")
_TYPED = re.compile(r"(?P<dtype>\w+)\[(?P<sizes>[\d,\sx]*)\]")
_EXPECTED = "expected sizes with x between them, 1x3x32x32, or with a dtype, i64[1,128]"


def parse_shape(text: str) -> TensorType:
    """Return the type that an ``--input`` names; f32 where it names no dtype. Raises NascError."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return TensorType(DType.F32, _sizes(text, "x"))
    found = _TYPED.fullmatch(text)
    if found is None:
        raise NascError.of(f"{text!r} is not an input shape", _EXPECTED, "input-shape")
    names = {dtype.value: dtype for dtype in DType}
    if found["dtype"] not in names:
        hint = did_you_mean(found["dtype"], names)
        raise NascError.of(f"{found['dtype']!r} is not a dtype", hint, "input-shape")
    sizes = found["sizes"]
    return TensorType(names[found["dtype"]], _sizes(sizes, "x" if "x" in sizes else ","))


def show_shape(type: TensorType) -> str:
    """Return a type as ``--input`` takes it."""
    if type.dtype is DType.F32 and type.shape:
        return "x".join(map(str, type.shape))
    return f"{type.dtype.value}[{','.join(map(str, type.shape))}]"


def checked_shape(shape: object, what: str) -> TensorType:
    """Return the f32 type of a sequence of sizes. Raises NascError naming ``what`` holds something else."""
    if isinstance(shape, Sequence) and not isinstance(shape, str) and all(isinstance(s, int) for s in shape):
        return TensorType(DType.F32, tuple(shape))
    raise NascError.of(f"{what} is {shape!r}, not a shape", f"write {what} = (1, 3, 32, 32)", "input-shape")


def _sizes(text: str, separator: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(separator)]
    if not all(part.isdigit() for part in parts):
        if text.strip():
            raise NascError.of(f"{text!r} is not a list of sizes", _EXPECTED, "input-shape")
        return ()
    sizes = tuple(int(part) for part in parts)
    if 0 in sizes:
        raise NascError.of(f"the input {text} is empty", "sizes are 1 or more", "input-shape")
    return sizes
