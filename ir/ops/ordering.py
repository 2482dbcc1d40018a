"""Ops that order elements, or move them to and from places that other tensors name."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..dims import Dim
from ..op import Call, OnnxNode, Op, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import axis_of


@declare
class Topk(Op):
    """The ``k`` largest (or smallest) elements along an axis, and where they stand."""

    name: ClassVar[str] = "topk"
    torch: ClassVar[Spelling] = Call("torch.topk", ("k",))
    aten: ClassVar[tuple[str, ...]] = ("topk",)
    k: Dim = at.dim(low=0)
    dim: int = at.integer(-1)
    largest: bool = at.flag(True)
    sorted: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis = axis_of(self.dim, x.rank)
        size = x.shape[axis]
        if isinstance(size, int) and isinstance(self.k, int) and self.k > size:
            raise at.diagnostic(f"topk takes {self.k} of {size} elements", f"expected k of at most {size}")
        found = x.with_shape(*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return found, TensorType(DType.I64, found.shape)


@declare
class Sort(Op):
    """The elements in order along an axis, and where they stood."""

    name: ClassVar[str] = "sort"
    torch: ClassVar[Spelling] = Call("torch.sort")
    dim: int = at.integer(-1)
    descending: bool = at.flag(False)
    stable: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        axis_of(self.dim, x.rank)
        return x, TensorType(DType.I64, x.shape)


def _check_indices(x: TensorType, indices: TensorType, axis: int, name: str) -> None:
    """Raise NascError unless the indices are integers, and no longer than ``x`` on every axis but one."""
    if indices.dtype is not DType.I64:
        raise at.diagnostic(f"{name} needs indices of i64, not {indices}", "cast them first", "dtype")
    longer = [
        i
        for i, (size, most) in enumerate(zip(indices.shape, x.shape, strict=False))
        if i != axis and isinstance(size, int) and isinstance(most, int) and size > most
    ]
    if indices.rank != x.rank or longer:
        raise at.diagnostic(
            f"{name} along axis {axis} of {x} with indices {indices}",
            "expected indices of the same rank, on the other axes no longer than the tensor",
            "shape-clash",
        )


@declare
class Gather(Op):
    """Elements chosen along an axis, ``y[i][j] = x[index[i][j]][j]``; the result has the shape of the indices."""

    name: ClassVar[str] = "gather"
    operands: ClassVar[tuple[str, ...]] = ("x", "index")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("GatherElements", (("axis", "dim"),))
    dim: int = at.integer(0)

    def infer(self, operands: Types) -> Types:
        x, index = operands
        _check_indices(x, index, axis_of(self.dim, x.rank), self.name)
        return (x.with_shape(*index.shape),)


@declare
class Scatter(Op):
    """``x`` with elements replaced along an axis, ``y[index[i][j]][j] = src[i][j]``, or with them combined."""

    name: ClassVar[str] = "scatter"
    operands: ClassVar[tuple[str, ...]] = ("x", "index", "src")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("ScatterElements", (("axis", "dim"), ("reduction", "reduce")))
    dim: int = at.integer(0)
    reduce: str = at.word("none", "add", "mul", "max", "min", default="none")

    def infer(self, operands: Types) -> Types:
        x, index, src = operands
        _check_indices(x, index, axis_of(self.dim, x.rank), self.name)
        if src.dtype is not x.dtype:
            raise at.diagnostic(f"scatter of {src} into {x}", f"cast it to {x.dtype.value}", "dtype")
        if src.shape != index.shape:
            raise at.diagnostic(f"scatter of {src} by indices {index}", "expected one shape", "shape-clash")
        return (x,)
