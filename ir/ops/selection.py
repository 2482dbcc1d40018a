"""Ops that join tensors, split them, or choose parts of them."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..dims import Dim
from ..op import Method, Op, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import axis_of, promote


@declare
class Cat(Op):
    """Tensors joined along an axis."""

    name: ClassVar[str] = "cat"
    operands: ClassVar[tuple[str, ...]] = ("tensors*",)
    aten: ClassVar[tuple[str, ...]] = ("cat", "concat", "concatenate")
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        first = operands[0]
        axis = axis_of(self.dim, first.rank)
        total: Dim = 0
        for x in operands:
            if x.rank != first.rank or any(
                a != b for i, (a, b) in enumerate(zip(x.shape, first.shape, strict=True)) if i != axis
            ):
                raise at.diagnostic(
                    f"cat along axis {axis} of {first} and {x}",
                    "expected equal sizes on every other axis",
                    "shape-clash",
                )
            total = total + x.shape[axis]
        return (TensorType(promote(*operands), (*first.shape[:axis], total, *first.shape[axis + 1 :])),)


@declare
class Stack(Op):
    """Tensors of one shape along a new axis."""

    name: ClassVar[str] = "stack"
    operands: ClassVar[tuple[str, ...]] = ("tensors*",)
    aten: ClassVar[tuple[str, ...]] = ("stack",)
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        first = operands[0]
        axis = axis_of(self.dim, first.rank + 1)
        for x in operands:
            if x.shape != first.shape:
                raise at.diagnostic(f"stack of {first} and {x}", "expected one shape", "shape-clash")
        return (TensorType(promote(*operands), (*first.shape[:axis], len(operands), *first.shape[axis:])),)


@declare
class Split(Op):
    """Parts of these ``sizes`` along an axis; one result a part."""

    name: ClassVar[str] = "split"
    sizes: tuple[Dim, ...] = at.dims(low=0)
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        total: Dim = 0
        for size in self.sizes:
            total = total + size
        if total != x.shape[axis]:
            raise at.diagnostic(
                f"split of {x.shape[axis]} into parts {list(map(str, self.sizes))} of {total}",
                f"expected sizes that add up to {x.shape[axis]}",
                "shape-clash",
            )
        return tuple(x.with_shape(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in self.sizes)


@declare
class Unbind(Op):
    """One result for each index of an axis, which goes."""

    name: ClassVar[str] = "unbind"
    torch: ClassVar[Spelling] = Method("unbind", ("dim",))
    aten: ClassVar[tuple[str, ...]] = ("unbind.int",)
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        count = x.shape[axis]
        if not isinstance(count, int):
            raise at.diagnostic(f"unbind along axis {axis} of symbolic size {count}", "expected a known size")
        return (x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :]),) * count


@declare
class Select(Op):
    """One index of an axis, which goes."""

    name: ClassVar[str] = "select"
    aten: ClassVar[tuple[str, ...]] = ("select.int",)
    dim: int = at.integer(0)
    index: int = at.integer()

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        size = x.shape[axis]
        if isinstance(size, int) and not -size <= self.index < size:
            raise at.diagnostic(f"index {self.index} is outside an axis of {size}", f"expected {-size} to {size - 1}")
        return (x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :]),)


@declare
class Slice(Op):
    """Every ``step``-th element of an axis from ``start`` up to ``end``; negative ones count from the end."""

    name: ClassVar[str] = "slice"
    dim: int = at.integer(0)
    start: Dim = at.dim(0, low=None)
    end: Dim | None = at.dim(None, low=None, optional=True)
    step: int = at.integer(1, low=1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        size = x.shape[axis]
        start, end = self._bound(self.start, size), self._bound(size if self.end is None else self.end, size)
        length = end - start
        if isinstance(length, int) and length < 0:
            length = 0
        count = (length + self.step - 1) // self.step
        return (x.with_shape(*x.shape[:axis], count, *x.shape[axis + 1 :]),)

    @staticmethod
    def _bound(bound: Dim, size: Dim) -> Dim:
        if isinstance(bound, int) and bound < 0:
            bound = size + bound
            return max(bound, 0) if isinstance(bound, int) else bound
        if isinstance(bound, int) and isinstance(size, int):
            return min(bound, size)
        return bound


@declare
class Index(Op):
    """Rows chosen by an integer tensor: along axis ``dim``, which becomes the indices' axes."""

    name: ClassVar[str] = "index"
    operands: ClassVar[tuple[str, ...]] = ("x", "indices")
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        x, indices = operands
        axis = axis_of(self.dim, x.rank)
        if indices.dtype not in (DType.I64, DType.I32):
            raise at.diagnostic(f"index needs integers, not {indices}", "expected i64[...]", "dtype")
        return (x.with_shape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]),)
