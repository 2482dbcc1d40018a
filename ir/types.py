"""Tensor types: a dtype and a shape of symbolic dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .dims import Dim, numel, substitute


class DType(Enum):
    """Element type of a tensor; the value is its spelling in the text form."""

    F64 = "f64"
    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    I64 = "i64"
    I32 = "i32"
    I16 = "i16"
    I8 = "i8"
    U8 = "u8"
    BOOL = "bool"
    C64 = "c64"

    @property
    def size(self) -> int:
        """Bytes an element."""
        return _SIZES[self]

    @property
    def is_floating(self) -> bool:
        """Whether this is a real floating-point type."""
        return self in (DType.F64, DType.F32, DType.F16, DType.BF16)

    @property
    def rank(self) -> int:
        """Position in the promotion order: bool < integers < floats < complex."""
        return _PROMOTION.index(self)


_SIZES = {
    DType.F64: 8,
    DType.F32: 4,
    DType.F16: 2,
    DType.BF16: 2,
    DType.I64: 8,
    DType.I32: 4,
    DType.I16: 2,
    DType.I8: 1,
    DType.U8: 1,
    DType.BOOL: 1,
    DType.C64: 8,
}
_PROMOTION = (
    DType.BOOL,
    DType.U8,
    DType.I8,
    DType.I16,
    DType.I32,
    DType.I64,
    DType.F16,
    DType.BF16,
    DType.F32,
    DType.F64,
    DType.C64,
)


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type of a value, ``f32[N,64,56,56]``; ``f32[]`` is a scalar."""

    dtype: DType
    shape: tuple[Dim, ...]

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def numel(self) -> Dim:
        """Number of elements."""
        return numel(self.shape)

    @property
    def bytes(self) -> Dim:
        """Size in memory, in bytes."""
        return self.numel * self.dtype.size

    def with_shape(self, *shape: Dim) -> TensorType:
        """Return this type with another shape."""
        return TensorType(self.dtype, shape)

    def substitute(self, values: Mapping[str, Dim]) -> TensorType:
        """Return this type with symbols replaced."""
        return TensorType(self.dtype, tuple(substitute(dim, values) for dim in self.shape))

    def __str__(self) -> str:
        """Return the text form."""
        return f"{self.dtype.value}[{','.join(map(str, self.shape))}]"


def f32(*shape: Dim) -> TensorType:
    """Return the type of a float tensor of this shape."""
    return TensorType(DType.F32, shape)
