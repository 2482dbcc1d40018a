"""Ops without operands: parameters, constants and generated tensors."""

from __future__ import annotations

from math import isfinite
from typing import ClassVar

from .. import attributes as at
from ..dims import Dim, ceildiv
from ..op import Op, Slot, Types, declare
from ..types import DType, TensorType


@declare
class Parameter(Op):
    """A trained tensor of the model that no op owns: ``key`` is its name in the state dict.

    ``tied`` is the key of the tensor that this is another name of, where it is one.
    """

    name: ClassVar[str] = "parameter"
    operands: ClassVar[tuple[str, ...]] = ()
    key: str = at.text()
    shape: tuple[Dim, ...] = at.dims(low=0)
    dtype: DType = at.dtype(DType.F32)
    tied: str = at.text("")

    def infer(self, operands: Types) -> Types:
        return (TensorType(self.dtype, self.shape),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return (Slot(self.tied or self.key, TensorType(self.dtype, self.shape)),)


@declare
class Constant(Op):
    """A tensor of the model that is not trained: ``key`` is its name among the weights.

    A ``persistent`` one is a buffer of the state dict. ``data`` holds the values where they belong to the
    architecture and not to the weights (index tables, masks): base64 of the zlib-compressed little-endian
    bytes in row-major order; empty where the values come with the weights. ``tied`` is the key of the tensor that
    this is another name of, where it is one.
    """

    name: ClassVar[str] = "constant"
    operands: ClassVar[tuple[str, ...]] = ()
    key: str = at.text()
    shape: tuple[Dim, ...] = at.dims(low=0)
    dtype: DType = at.dtype(DType.F32)
    persistent: bool = at.flag(True)
    data: str = at.text("")
    tied: str = at.text("")

    def infer(self, operands: Types) -> Types:
        return (TensorType(self.dtype, self.shape),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return (Slot(self.tied or self.key, TensorType(self.dtype, self.shape), buffer=True),)


@declare
class Full(Op):
    """A tensor that holds one value everywhere."""

    name: ClassVar[str] = "full"
    operands: ClassVar[tuple[str, ...]] = ()
    shape: tuple[Dim, ...] = at.dims(low=0)
    value: float | int = at.scalar()
    dtype: DType = at.dtype(DType.F32)

    def infer(self, operands: Types) -> Types:
        if isinstance(self.value, float) and not isfinite(self.value) and not self.dtype.is_floating:
            raise at.diagnostic(f"full of {self.value} as {self.dtype.value}", "expected a finite number", "dtype")
        return (TensorType(self.dtype, self.shape),)


@declare
class Arange(Op):
    """The numbers from ``start`` up to ``end`` by ``step``."""

    name: ClassVar[str] = "arange"
    operands: ClassVar[tuple[str, ...]] = ()
    start: Dim = at.dim(0, low=None)
    end: Dim = at.dim(low=None)
    step: int = at.integer(1, low=1)
    dtype: DType = at.dtype(DType.I64)

    def infer(self, operands: Types) -> Types:
        length = self.end - self.start
        if isinstance(length, int) and length < 0:
            raise at.diagnostic(f"arange from {self.start} to {self.end}", "expected an end >= the start")
        if self.dtype is DType.BOOL:
            raise at.diagnostic("arange makes no truth values", "expected a dtype of numbers", "dtype")
        return (TensorType(self.dtype, (ceildiv(length, self.step),)),)
