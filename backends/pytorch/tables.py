"""Tables: tensors whose values are part of the architecture, written into the emitted file."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from math import prod

from ...ir import Dim, DType, NascError, Op
from .layout import Doc, Group, Item, call, render
from .quoting import literal, real, string

INLINE = 64
CHUNK = 76
_FORMATS = {
    DType.F64: "d",
    DType.F32: "f",
    DType.F16: "e",
    DType.I64: "q",
    DType.I32: "i",
    DType.I16: "h",
    DType.I8: "b",
    DType.U8: "B",
    DType.BOOL: "?",
}
_READER = '''

def table(data: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return the tensor stored in a string: its zlib-compressed bytes in base64."""
    content = bytearray(zlib.decompress(base64.b64decode(data)))
    return torch.frombuffer(content, dtype=dtype).reshape(shape)
'''


class Tables:
    """The stored tensors of one file, each written once however often it is used."""

    def __init__(self) -> None:
        """Start without tables."""
        self.names: dict[str, str] = {}

    def value(self, op: Op, write: Callable[[Dim], str]) -> Doc:
        """Return the expression of a constant's values. Raises NascError where its data is damaged."""
        data: str = getattr(op, "data", "")
        dtype: DType = getattr(op, "dtype", DType.F32)
        dims: tuple[Dim, ...] = getattr(op, "shape", ())
        if not data:
            shape = [write(dim) for dim in dims] or ["()"]
            return call("torch.zeros", *shape, **({} if dtype is DType.F32 else {"dtype": literal(dtype)}))
        sizes = tuple(dim for dim in dims if isinstance(dim, int))
        raw = content(op, data, prod(sizes) * dtype.size)
        if prod(sizes) <= INLINE and dtype in _FORMATS:
            return _display(raw, sizes, dtype)
        name = self.names.setdefault(data, f"TABLE_{len(self.names)}")
        return call("table", name, literal(sizes), literal(dtype))

    def write(self) -> list[str]:
        """Return the lines that hold the tables and read them; none where there are none."""
        lines: list[str] = []
        for data, name in self.names.items():
            chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
            items = tuple(Item(string(chunk)) for chunk in chunks)
            lines += render(f"{name} = ", Group("(", items, ")", commas=False) if items[1:] else items[0].value, 0)
        return [*_READER.splitlines(), "", "", *lines] if lines else []


def content(op: Op, data: str, size: int) -> bytes:
    """Return the bytes of a constant's data. Raises NascError where they are damaged or not of this size."""
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(data, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise NascError.of(
            f"the data of constant {getattr(op, 'key', '')!r} cannot be read: {error}",
            "expected base64 of zlib-compressed bytes",
            "constant-data",
        ) from None
    if len(raw) != size:
        raise NascError.of(
            f"the data of constant {getattr(op, 'key', '')!r} holds another number of bytes",
            f"expected {size}",
            "constant-data",
        )
    return raw


def _display(content: bytes, shape: tuple[int, ...], dtype: DType) -> Doc:
    values = struct.unpack(f"<{prod(shape)}{_FORMATS[dtype]}", content)
    texts = [_number(value, dtype) for value in values]
    named = {} if dtype in (DType.F32, DType.I64, DType.BOOL) else {"dtype": literal(dtype)}
    if not all(shape):
        return call("torch.zeros", literal(shape), dtype=literal(dtype))
    if dtype is DType.F32 and texts and not any(c in text for text in texts for c in ".en"):
        named = {"dtype": literal(dtype)}
    return call("torch.tensor", _nested(texts, shape), **named)


def _nested(texts: list[str], shape: tuple[int, ...]) -> Doc:
    if not shape:
        return texts[0]
    step = len(texts) // shape[0]
    parts = [_nested(texts[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
    return Group("[", tuple(Item(part) for part in parts), "]", display=True)


def _number(value: float | int | bool, dtype: DType) -> str:
    """Return the shortest text that gives the same number in this dtype."""
    if not isinstance(value, float) or dtype is DType.F64 or value != value or value in (_INF, -_INF):
        return literal(value)
    form = "<e" if dtype is DType.F16 else "<f"
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.unpack(form, struct.pack(form, short))[0] == value:
                return real(short)
        except OverflowError:
            continue
    return real(value)


_INF = float("inf")
