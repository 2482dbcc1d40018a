"""Convolutions of one to three dimensions, and transposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .. import attributes as at
from ..attributes import REQUIRED
from ..dims import Dim, evaluate, product
from ..op import Call, Layer, Op, Slot, Spelling, Types, declare
from ..types import TensorType
from .rules import need_multiple, need_rank, window

_LAYOUTS = {1: "[N,C,L]", 2: "[N,C,H,W]", 3: "[N,C,D,H,W]"}


class Convolution(Op):
    """What all convolutions share: channels in groups and a sliding kernel."""

    rank: ClassVar[int] = 2
    floating: ClassVar[bool] = True
    out_channels: Dim
    kernel_size: tuple[Dim, ...]
    groups: Dim
    bias: bool

    def check_channels(self, x: TensorType) -> Dim:
        """Return the input channels. Raises NascError where groups do not divide them."""
        need_rank(x, [self.rank + 2], self.name, _LAYOUTS[self.rank])
        channels = x.shape[1]
        for dim, role in ((channels, "input"), (self.out_channels, "output")):
            if isinstance(dim, int) and isinstance(self.groups, int) and (self.groups < 1 or dim % self.groups):
                raise at.diagnostic(
                    f"groups={self.groups} does not divide the {dim} {role} channels",
                    f"expected a divisor of {dim}",
                    "groups",
                )
        return channels

    def weight_shape(self, channels: Dim) -> tuple[Dim, ...]:
        """Return the shape of the weight."""
        return (self.out_channels, channels // self.groups, *self.kernel_size)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        x = operands[0]
        weight = Slot("weight", x.with_shape(*self.weight_shape(x.shape[1])))
        return (weight, Slot("bias", x.with_shape(self.out_channels))) if self.bias else (weight,)

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        return {"in_channels": operands[0].shape[1]}


class ForwardConvolution(Convolution):
    """A convolution as such, not transposed."""

    stride: tuple[Dim, ...]
    padding: tuple[Dim, ...]
    dilation: tuple[Dim, ...]

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        self.check_channels(x)
        sizes = [
            window(size, k, s, p, d)
            for size, k, s, p, d in zip(
                x.shape[2:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True
            )
        ]
        return (x.with_shape(x.shape[0], self.out_channels, *sizes),)

    def macs(self, operands: Types, results: Types) -> Dim:
        """Each output element takes ``C_in / groups * prod(kernel)`` multiply-accumulates."""
        return results[0].numel * (operands[0].shape[1] // self.groups) * product(self.kernel_size)


class TransposedConvolution(Convolution):
    """A transposed convolution: the gradient of a convolution with respect to its input."""

    stride: tuple[Dim, ...]
    padding: tuple[Dim, ...]
    output_padding: tuple[Dim, ...]
    dilation: tuple[Dim, ...]

    def weight_shape(self, channels: Dim) -> tuple[Dim, ...]:
        """Return the shape of the weight, input channels first."""
        return (channels, self.out_channels // self.groups, *self.kernel_size)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        self.check_channels(x)
        for extra, step in zip(self.output_padding, zip(self.stride, self.dilation, strict=True), strict=True):
            if isinstance(extra, int) and all(isinstance(size, int) and extra >= size for size in step):
                most = max(map(evaluate, step)) - 1
                raise at.diagnostic(f"output_padding {extra} is not less than stride or dilation", f"at most {most}")
        sizes = [
            (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for size, k, s, p, d, extra in zip(
                x.shape[2:],
                self.kernel_size,
                self.stride,
                self.padding,
                self.dilation,
                self.output_padding,
                strict=True,
            )
        ]
        return (x.with_shape(x.shape[0], self.out_channels, *sizes),)

    def macs(self, operands: Types, results: Types) -> Dim:
        """Each input element takes ``C_out / groups * prod(kernel)`` multiply-accumulates."""
        return operands[0].numel * (self.out_channels // self.groups) * product(self.kernel_size)


_POSITIONAL = ("in_channels", "out_channels", "kernel_size")


@declare
class Conv1d(ForwardConvolution):
    """Convolution over ``[N,C,L]``."""

    name: ClassVar[str] = "conv1d"
    rank: ClassVar[int] = 1
    torch: ClassVar[Spelling] = Layer("nn.Conv1d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(1, low=1)
    stride: tuple[Dim, ...] = at.dims(1, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(1, 0)
    dilation: tuple[Dim, ...] = at.dims(1, 1, low=1)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)


@declare
class Conv2d(ForwardConvolution):
    """Convolution over ``[N,C,H,W]``."""

    name: ClassVar[str] = "conv2d"
    torch: ClassVar[Spelling] = Layer("nn.Conv2d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    stride: tuple[Dim, ...] = at.dims(2, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)


@declare
class Conv3d(ForwardConvolution):
    """Convolution over ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "conv3d"
    rank: ClassVar[int] = 3
    torch: ClassVar[Spelling] = Layer("nn.Conv3d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(3, low=1)
    stride: tuple[Dim, ...] = at.dims(3, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(3, 0)
    dilation: tuple[Dim, ...] = at.dims(3, 1, low=1)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)


@declare
class ConvTranspose1d(TransposedConvolution):
    """Transposed convolution over ``[N,C,L]``."""

    name: ClassVar[str] = "conv_transpose1d"
    rank: ClassVar[int] = 1
    torch: ClassVar[Spelling] = Layer("nn.ConvTranspose1d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(1, low=1)
    stride: tuple[Dim, ...] = at.dims(1, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(1, 0)
    output_padding: tuple[Dim, ...] = at.dims(1, 0)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)
    dilation: tuple[Dim, ...] = at.dims(1, 1, low=1)


@declare
class ConvTranspose2d(TransposedConvolution):
    """Transposed convolution over ``[N,C,H,W]``."""

    name: ClassVar[str] = "conv_transpose2d"
    torch: ClassVar[Spelling] = Layer("nn.ConvTranspose2d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    stride: tuple[Dim, ...] = at.dims(2, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    output_padding: tuple[Dim, ...] = at.dims(2, 0)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)


@declare
class ConvTranspose3d(TransposedConvolution):
    """Transposed convolution over ``[N,C,D,H,W]``."""

    name: ClassVar[str] = "conv_transpose3d"
    rank: ClassVar[int] = 3
    torch: ClassVar[Spelling] = Layer("nn.ConvTranspose3d", _POSITIONAL)
    out_channels: Dim = at.dim(low=1)
    kernel_size: tuple[Dim, ...] = at.dims(3, low=1)
    stride: tuple[Dim, ...] = at.dims(3, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(3, 0)
    output_padding: tuple[Dim, ...] = at.dims(3, 0)
    groups: Dim = at.dim(1, low=1)
    bias: bool = at.flag(True)
    dilation: tuple[Dim, ...] = at.dims(3, 1, low=1)


@declare
class Unfold(Op):
    """Sliding windows of ``[N,C,H,W]`` as columns: ``[N, C*prod(kernel), windows]``."""

    name: ClassVar[str] = "unfold"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.unfold", ("kernel_size",))
    aten: ClassVar[tuple[str, ...]] = ("im2col",)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    stride: tuple[Dim, ...] = at.dims(2, 1, low=1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        need_rank(x, [4], self.name, _LAYOUTS[2])
        count = product(
            window(size, k, s, p, d)
            for size, k, s, p, d in zip(
                x.shape[2:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return (x.with_shape(x.shape[0], x.shape[1] * product(self.kernel_size), count),)


@declare
class Fold(Op):
    """Overlapping windows summed up, ``unfold`` transposed: ``[N, C*prod(kernel), windows] -> [N,C,*size]``."""

    name: ClassVar[str] = "fold"
    torch: ClassVar[Spelling] = Call("F.fold", ("output_size", "kernel_size"))
    aten: ClassVar[tuple[str, ...]] = ("col2im",)
    floating: ClassVar[bool] = True
    output_size: tuple[Dim, ...] = at.dims(2, REQUIRED, low=1)
    kernel_size: tuple[Dim, ...] = at.dims(2, low=1)
    dilation: tuple[Dim, ...] = at.dims(2, 1, low=1)
    padding: tuple[Dim, ...] = at.dims(2, 0)
    stride: tuple[Dim, ...] = at.dims(2, 1, low=1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        need_rank(x, [3], self.name, "[N, C*prod(kernel), windows]")
        count = product(
            window(size, k, s, p, d)
            for size, k, s, p, d in zip(
                self.output_size, self.kernel_size, self.stride, self.padding, self.dilation, strict=True
            )
        )
        if x.shape[2] != count:
            raise at.diagnostic(
                f"fold of {x.shape[2]} windows into {list(map(str, self.output_size))}, which has {count}",
                f"expected [N, C*prod(kernel), {count}]",
                "shape-clash",
            )
        need_multiple(x.shape[1], product(self.kernel_size), self.name)
        channels = x.shape[1] // product(self.kernel_size)
        return (x.with_shape(x.shape[0], channels, *self.output_size),)
