"""Pooling beyond feature maps: volumes, maxima with the places they stand at; and sampling at given places."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..attributes import REQUIRED
from ..dims import Dim
from ..op import Call, Op, Spelling, Types, declare
from ..types import DType, TensorType
from .pooling import AdaptivePool, WindowPool
from .rules import need_one_dtype, need_rank


@declare
class MaxPool3d(WindowPool):
    """Largest element of each window of ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "max_pool3d"
    rank: ClassVar[int] = 3
    torch: ClassVar[Spelling] = Call("F.max_pool3d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("max_pool3d",)
    kernel_size: tuple[Dim, ...] = at.dims(3, low=1)
    stride: tuple[Dim, ...] | None = at.dims(3, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(3, 0)
    dilation: tuple[Dim, ...] = at.dims(3, 1, low=1)
    ceil_mode: bool = at.flag(False)


@declare
class AvgPool3d(WindowPool):
    """Mean of each window of ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "avg_pool3d"
    rank: ClassVar[int] = 3
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.avg_pool3d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("avg_pool3d",)
    kernel_size: tuple[Dim, ...] = at.dims(3, low=1)
    stride: tuple[Dim, ...] | None = at.dims(3, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(3, 0)
    ceil_mode: bool = at.flag(False)
    count_include_pad: bool = at.flag(True)
    divisor_override: int | None = at.integer(None, low=1, optional=True)


@declare
class AdaptiveAvgPool3d(AdaptivePool):
    """Mean over equal parts of ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "adaptive_avg_pool3d"
    rank: ClassVar[int] = 3
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.adaptive_avg_pool3d", ("output_size",))
    aten: ClassVar[tuple[str, ...]] = ("adaptive_avg_pool3d",)
    output_size: tuple[Dim, ...] = at.dims(3, REQUIRED, low=1)


@declare
class AdaptiveMaxPool1d(AdaptivePool):
    """Maximum over equal parts of ``[N,C,L]``."""

    name: ClassVar[str] = "adaptive_max_pool1d"
    rank: ClassVar[int] = 1
    torch: ClassVar[Spelling] = Call("F.adaptive_max_pool1d", ("output_size",))
    output_size: tuple[Dim, ...] = at.dims(1, REQUIRED, low=1)


@declare
class AdaptiveMaxPool3d(AdaptivePool):
    """Maximum over equal parts of ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "adaptive_max_pool3d"
    rank: ClassVar[int] = 3
    torch: ClassVar[Spelling] = Call("F.adaptive_max_pool3d", ("output_size",))
    output_size: tuple[Dim, ...] = at.dims(3, REQUIRED, low=1)


def _with_places(types: Types) -> Types:
    return (*types, TensorType(DType.I64, types[0].shape))


@declare
class MaxPool2dWithIndices(WindowPool):
    """Largest element of each window of ``[N,C,H,W]``, and where it stands in its map of H*W elements."""

    name: ClassVar[str] = "max_pool2d_with_indices"
    torch: ClassVar[Spelling] = Call("F.max_pool2d_with_indices", ("kernel_size",))
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    stride: tuple[Dim, ...] | None = at.dims(2, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)
    ceil_mode: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        return _with_places(super().infer(operands))


@declare
class AdaptiveMaxPool2dWithIndices(AdaptivePool):
    """Maximum over equal parts of ``[N,C,H,W]``, and where it stands in its map of H*W elements."""

    name: ClassVar[str] = "adaptive_max_pool2d_with_indices"
    torch: ClassVar[Spelling] = Call("F.adaptive_max_pool2d_with_indices", ("output_size",))
    output_size: tuple[Dim, ...] = at.dims(2, REQUIRED, low=1)

    def infer(self, operands: Types) -> Types:
        return _with_places(super().infer(operands))


@declare
class GridSample(Op):
    """``[N,C,H,W]`` read at the places of ``grid [N,h,w,2]``: x and y, from -1 to 1 over the map."""

    name: ClassVar[str] = "grid_sample"
    operands: ClassVar[tuple[str, ...]] = ("x", "grid")
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.grid_sample")
    mode: str = at.word("bilinear", "nearest", "bicubic", default="bilinear")
    padding_mode: str = at.word("zeros", "border", "reflection", default="zeros")
    align_corners: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        x, grid = operands
        need_rank(x, [4], self.name, "[N,C,H,W]")
        if grid.rank != 4 or grid.shape[-1] != 2 or grid.shape[0] != x.shape[0]:
            raise at.diagnostic(f"grid_sample of {x} at {grid}", f"expected a grid [{x.shape[0]},h,w,2]", "shape-clash")
        need_one_dtype(operands, self.name)
        return (x.with_shape(*x.shape[:2], *grid.shape[1:3]),)
