"""Reductions along axes."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..dims import Dim
from ..op import Call, Op, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import axes_of


class Reduction(Op):
    """A value for each line along ``dim``; no ``dim`` reduces everything."""

    dim: tuple[int, ...] | None
    keepdim: bool

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axes = set(axes_of(self.dim, x.rank) if self.dim else range(x.rank))
        shape: list[Dim] = []
        for axis, size in enumerate(x.shape):
            if axis not in axes:
                shape.append(size)
            elif self.keepdim:
                shape.append(1)
        return (TensorType(self.result_dtype(x.dtype), tuple(shape)),)

    def result_dtype(self, dtype: DType) -> DType:
        """Return the dtype of the result."""
        return dtype


@declare
class Mean(Reduction):
    """Arithmetic mean."""

    name: ClassVar[str] = "mean"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("torch.mean")
    aten: ClassVar[tuple[str, ...]] = ("mean.dim", "mean")
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)


@declare
class Sum(Reduction):
    """Sum."""

    name: ClassVar[str] = "sum"
    torch: ClassVar[Spelling] = Call("torch.sum")
    aten: ClassVar[tuple[str, ...]] = ("sum.dim_IntList", "sum")
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)

    def result_dtype(self, dtype: DType) -> DType:
        return dtype if dtype.rank >= DType.F16.rank else DType.I64


@declare
class Prod(Reduction):
    """Product, along one axis or of everything."""

    name: ClassVar[str] = "prod"
    torch: ClassVar[Spelling] = Call("torch.prod")
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        if self.dim is not None and len(self.dim) != 1:
            raise at.diagnostic(f"prod along {len(self.dim)} axes", "expected one axis, or none for everything", "axis")
        return super().infer(operands)

    def result_dtype(self, dtype: DType) -> DType:
        return dtype if dtype.rank >= DType.F16.rank else DType.I64


@declare
class Amax(Reduction):
    """Maximum."""

    name: ClassVar[str] = "amax"
    torch: ClassVar[Spelling] = Call("torch.amax")
    aten: ClassVar[tuple[str, ...]] = ("amax",)
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)


@declare
class Amin(Reduction):
    """Minimum."""

    name: ClassVar[str] = "amin"
    torch: ClassVar[Spelling] = Call("torch.amin")
    aten: ClassVar[tuple[str, ...]] = ("amin",)
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)


@declare
class Var(Reduction):
    """Variance; ``correction`` is subtracted from the count."""

    name: ClassVar[str] = "var"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("torch.var")
    aten: ClassVar[tuple[str, ...]] = ("var.correction",)
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    correction: float = at.real(1.0)
    keepdim: bool = at.flag(False)


@declare
class Std(Reduction):
    """Standard deviation; ``correction`` is subtracted from the count."""

    name: ClassVar[str] = "std"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("torch.std")
    aten: ClassVar[tuple[str, ...]] = ("std.correction",)
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    correction: float = at.real(1.0)
    keepdim: bool = at.flag(False)


@declare
class VectorNorm(Reduction):
    """Norm of order ``ord``."""

    name: ClassVar[str] = "vector_norm"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("torch.linalg.vector_norm")
    aten: ClassVar[tuple[str, ...]] = ("linalg_vector_norm", "norm.ScalarOpt_dim")
    ord: float = at.real(2.0)
    dim: tuple[int, ...] | None = at.integers(None, optional=True)
    keepdim: bool = at.flag(False)


@declare
class Argmax(Op):
    """Index of the maximum along one axis."""

    name: ClassVar[str] = "argmax"
    torch: ClassVar[Spelling] = Call("torch.argmax")
    aten: ClassVar[tuple[str, ...]] = ("argmax",)
    dim: int = at.integer()
    keepdim: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        (axis,) = axes_of((self.dim,), x.rank)
        middle: tuple[Dim, ...] = (1,) if self.keepdim else ()
        return (TensorType(DType.I64, (*x.shape[:axis], *middle, *x.shape[axis + 1 :])),)


@declare
class Cumsum(Op):
    """Running sum along one axis."""

    name: ClassVar[str] = "cumsum"
    torch: ClassVar[Spelling] = Call("torch.cumsum")
    aten: ClassVar[tuple[str, ...]] = ("cumsum",)
    dim: int = at.integer()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axes_of((self.dim,), x.rank)
        return (x if x.dtype.rank >= DType.F16.rank else TensorType(DType.I64, x.shape),)
