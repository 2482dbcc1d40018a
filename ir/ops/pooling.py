"""Pooling and resampling of feature maps."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..attributes import REQUIRED
from ..diagnostics import counted
from ..dims import Dim
from ..op import Call, Layer, Op, Spelling, Types, declare
from .rules import need_multiple, need_rank, window

_LAYOUTS = {1: "[N,C,L]", 2: "[N,C,H,W]", 3: "[N,C,D,H,W]"}


class WindowPool(Op):
    """Pooling over sliding windows; the stride defaults to the kernel size."""

    rank: ClassVar[int] = 2
    kernel_size: tuple[Dim, ...]
    stride: tuple[Dim, ...] | None
    padding: tuple[Dim, ...]
    ceil_mode: bool

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        need_rank(x, [self.rank + 2], self.name, _LAYOUTS[self.rank])
        stride = self.stride or self.kernel_size
        dilation: tuple[Dim, ...] = getattr(self, "dilation", (1,) * self.rank)
        sizes = [
            window(size, k, s, p, d, self.ceil_mode)
            for size, k, s, p, d in zip(x.shape[2:], self.kernel_size, stride, self.padding, dilation, strict=True)
        ]
        for kernel, padding in zip(self.kernel_size, self.padding, strict=True):
            if isinstance(kernel, int) and isinstance(padding, int) and 2 * padding > kernel:
                raise at.diagnostic(
                    f"padding {padding} is more than half the kernel {kernel}", f"at most {kernel // 2}"
                )
        return (x.with_shape(*x.shape[:2], *sizes),)


@declare
class MaxPool1d(WindowPool):
    """Largest element of each window of ``[N,C,L]``."""

    name: ClassVar[str] = "max_pool1d"
    rank: ClassVar[int] = 1
    torch: ClassVar[Spelling] = Call("F.max_pool1d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("max_pool1d",)
    kernel_size: tuple[Dim, ...] = at.dims(1, low=1)
    stride: tuple[Dim, ...] | None = at.dims(1, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(1, 0)
    dilation: tuple[Dim, ...] = at.dims(1, 1, low=1)
    ceil_mode: bool = at.flag(False)


@declare
class MaxPool2d(WindowPool):
    """Largest element of each window of ``[N,C,H,W]``."""

    name: ClassVar[str] = "max_pool2d"
    torch: ClassVar[Spelling] = Layer("nn.MaxPool2d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("max_pool2d",)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    stride: tuple[Dim, ...] | None = at.dims(2, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)
    ceil_mode: bool = at.flag(False)


@declare
class AvgPool1d(WindowPool):
    """Mean of each window of ``[N,C,L]``."""

    name: ClassVar[str] = "avg_pool1d"
    rank: ClassVar[int] = 1
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.avg_pool1d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("avg_pool1d",)
    kernel_size: tuple[Dim, ...] = at.dims(1, low=1)
    stride: tuple[Dim, ...] | None = at.dims(1, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(1, 0)
    ceil_mode: bool = at.flag(False)
    count_include_pad: bool = at.flag(True)


@declare
class AvgPool2d(WindowPool):
    """Mean of each window of ``[N,C,H,W]``."""

    name: ClassVar[str] = "avg_pool2d"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.AvgPool2d", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("avg_pool2d",)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    stride: tuple[Dim, ...] | None = at.dims(2, None, low=1, optional=True)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    ceil_mode: bool = at.flag(False)
    count_include_pad: bool = at.flag(True)
    divisor_override: int | None = at.integer(None, low=1, optional=True)


class AdaptivePool(Op):
    """Pooling to a given output size, whatever the input's."""

    rank: ClassVar[int] = 2
    output_size: tuple[Dim, ...]

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        need_rank(x, [self.rank + 2], self.name, _LAYOUTS[self.rank])
        return (x.with_shape(*x.shape[:2], *self.output_size),)


@declare
class AdaptiveAvgPool1d(AdaptivePool):
    """Mean over equal parts of ``[N,C,L]``."""

    name: ClassVar[str] = "adaptive_avg_pool1d"
    rank: ClassVar[int] = 1
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.adaptive_avg_pool1d", ("output_size",))
    aten: ClassVar[tuple[str, ...]] = ("adaptive_avg_pool1d",)
    output_size: tuple[Dim, ...] = at.dims(1, REQUIRED, low=1)


@declare
class AdaptiveAvgPool2d(AdaptivePool):
    """Mean over equal parts of ``[N,C,H,W]``; size 1 is global average pooling."""

    name: ClassVar[str] = "adaptive_avg_pool2d"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.AdaptiveAvgPool2d", ("output_size",))
    aten: ClassVar[tuple[str, ...]] = ("adaptive_avg_pool2d",)
    output_size: tuple[Dim, ...] = at.dims(2, REQUIRED, low=1)


@declare
class AdaptiveMaxPool2d(AdaptivePool):
    """Maximum over equal parts of ``[N,C,H,W]``."""

    name: ClassVar[str] = "adaptive_max_pool2d"
    torch: ClassVar[Spelling] = Layer("nn.AdaptiveMaxPool2d", ("output_size",))
    output_size: tuple[Dim, ...] = at.dims(2, REQUIRED, low=1)


_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""The modes that weigh neighbours, and for how many axes each is; only they know corners."""


@declare
class Interpolate(Op):
    """Resample the spatial axes to ``size``."""

    name: ClassVar[str] = "interpolate"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.interpolate", ("size",))
    size: tuple[Dim, ...] = at.dims(low=1)
    mode: str = at.word("nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact", default="nearest")
    align_corners: bool | None = at.flag(None, optional=True)
    antialias: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if x.rank != len(self.size) + 2:
            axes = counted(len(self.size), "axis", "axes")
            raise at.diagnostic(f"interpolate to {axes} needs rank {len(self.size) + 2}, not {x}", code="rank")
        self._check_mode()
        return (x.with_shape(*x.shape[:2], *self.size),)

    def _check_mode(self) -> None:
        """Raise NascError where the mode is for another number of axes, or knows no such option."""
        axes = _AXES.get(self.mode, len(self.size))
        what = f"interpolate with mode={self.mode}"
        if axes != len(self.size):
            raise at.diagnostic(f"{what} to {len(self.size)} axes", f"{self.mode} is for {axes}", "attribute-value")
        if self.align_corners is not None and self.mode not in _AXES:
            raise at.diagnostic(f"{what} has no corners to align", "leave align_corners out", "attribute-value")
        if self.antialias and self.mode not in ("bilinear", "bicubic"):
            raise at.diagnostic(f"{what} has no antialias", "expected bilinear or bicubic", "attribute-value")


@declare
class PixelShuffle(Op):
    """Move channels into space: ``[N, C*r*r, H, W] -> [N, C, H*r, W*r]``."""

    name: ClassVar[str] = "pixel_shuffle"
    torch: ClassVar[Spelling] = Call("F.pixel_shuffle", ("upscale_factor",))
    aten: ClassVar[tuple[str, ...]] = ("pixel_shuffle",)
    upscale_factor: Dim = at.dim(low=1)

    def infer(self, operands: Types) -> Types:
        x, r = operands[0], self.upscale_factor
        need_rank(x, [4], self.name, _LAYOUTS[2])
        need_multiple(x.shape[1], r * r, self.name)
        return (x.with_shape(x.shape[0], x.shape[1] // (r * r), x.shape[2] * r, x.shape[3] * r),)


@declare
class PixelUnshuffle(Op):
    """Move space into channels: ``[N, C, H*r, W*r] -> [N, C*r*r, H, W]``."""

    name: ClassVar[str] = "pixel_unshuffle"
    torch: ClassVar[Spelling] = Call("F.pixel_unshuffle", ("downscale_factor",))
    aten: ClassVar[tuple[str, ...]] = ("pixel_unshuffle",)
    downscale_factor: Dim = at.dim(low=1)

    def infer(self, operands: Types) -> Types:
        x, r = operands[0], self.downscale_factor
        need_rank(x, [4], self.name, _LAYOUTS[2])
        need_multiple(x.shape[2], r, self.name)
        need_multiple(x.shape[3], r, self.name)
        return (x.with_shape(x.shape[0], x.shape[1] * r * r, x.shape[2] // r, x.shape[3] // r),)
