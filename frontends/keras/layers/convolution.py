"""Convolutions: kernels in PyTorch's layout, exact padding, transposed ones cropped as Keras crops them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..call import Call, Rule, as_tensor, sizes
from ..layout import Value
from ..windows import Pairs, flat, same_pads, symmetric
from .activation import activated


def _convolved(
    call: Call,
    x: Value,
    weight: Tensor,
    bias: Any,
    *,
    groups: int = 1,
    path: str | None = None,
    moved: bool = True,
) -> Value:
    """Return the convolution of ``x``, channels first; ``moved=False`` is a second one of 1x1 after it."""
    rank = weight.ndim - 2
    layer = call.layer
    stride = sizes(layer.strides, rank) if moved else (1,) * rank
    dilation = sizes(layer.dilation_rate, rank) if moved else (1,) * rank
    kernel = tuple(weight.shape[2:])
    padding: tuple[int, ...] = (0,) * rank
    if moved and layer.padding != "valid":
        x, padding = _padded(call, x, [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)], stride)
    call.own("weight", weight, path)
    if bias is not None:
        call.own("bias", bias, path)
    made = call.emit(
        f"conv{rank}d",
        x,
        path=path,
        out_channels=weight.shape[0],
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
    )
    return Value(made, x.order)


def _padded(call: Call, x: Value, reach: Sequence[int], stride: Sequence[int]) -> tuple[Value, tuple[int, ...]]:
    """Return what to convolve and with which padding: one that differs by side is a node of its own."""
    space = call.walk.type(x).shape[2:]
    if call.layer.padding == "causal":
        pads: Pairs = tuple((k - 1, 0) for k in reach)
    else:
        pads = same_pads(call, space, reach, stride)
    even = symmetric(pads)
    if even is not None:
        return x, even
    return Value(call.emit("pad", x, pad=flat(pads)), x.order), (0,) * len(pads)


def _kernel(layer: Any) -> Tensor:
    """Return a kernel ``[..., in, out]`` as ``[out, in, ...]``."""
    kernel = as_tensor(layer.kernel)
    rank = kernel.ndim - 2
    return kernel.permute(rank + 1, rank, *range(rank))


def convolution(call: Call) -> Value:
    """Lower Conv1D, Conv2D and Conv3D."""
    layer = call.layer
    bias = layer.bias if layer.use_bias else None
    return activated(call, _convolved(call, call.first(), _kernel(layer), bias, groups=layer.groups))


def depthwise(call: Call) -> Value:
    """Lower DepthwiseConv1D and DepthwiseConv2D: one group a channel."""
    layer = call.layer
    bias = layer.bias if layer.use_bias else None
    weight = _depthwise_kernel(layer.kernel)
    x = call.first()
    channels = weight.shape[0] // layer.depth_multiplier
    return activated(call, _convolved(call, x, weight, bias, groups=channels))


def separable(call: Call) -> Value:
    """Lower SeparableConv1D and SeparableConv2D: a depthwise convolution and one of 1x1."""
    layer = call.layer
    weight = _depthwise_kernel(layer.depthwise_kernel)
    channels = weight.shape[0] // layer.depth_multiplier
    x = _convolved(call, call.first(), weight, None, groups=channels, path=f"{call.path}.depthwise")
    kernel = as_tensor(layer.pointwise_kernel)
    rank = kernel.ndim - 2
    pointwise = kernel.permute(rank + 1, rank, *range(rank))
    bias = layer.bias if layer.use_bias else None
    return activated(call, _convolved(call, x, pointwise, bias, path=f"{call.path}.pointwise", moved=False))


def _depthwise_kernel(variable: Any) -> Tensor:
    """Return a kernel ``[..., in, multiplier]`` as ``[in * multiplier, 1, ...]``."""
    kernel = as_tensor(variable)
    rank = kernel.ndim - 2
    return kernel.permute(rank, rank + 1, *range(rank)).flatten(0, 1).unsqueeze(1)


def transposed(call: Call) -> Value:
    """Lower Conv1DTranspose and Conv2DTranspose."""
    layer = call.layer
    weight = _kernel(layer)
    rank = weight.ndim - 2
    stride, dilation = sizes(layer.strides, rank), sizes(layer.dilation_rate, rank)
    kernel = tuple(weight.shape[2:])
    extra = (None,) * rank if layer.output_padding is None else sizes(layer.output_padding, rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    crops = [_crop(k, s, layer.padding, e) for k, s, e in zip(reach, stride, extra, strict=True)]
    padding = tuple(max(min(left, right + s - 1), 0) for (left, right), s in zip(crops, stride, strict=True))
    wider = tuple(min(max(p - right, 0), s - 1) for (_, right), p, s in zip(crops, padding, stride, strict=True))
    call.own("weight", weight)
    if layer.use_bias:
        call.own("bias", layer.bias)
    x = call.first()
    made = call.emit(
        f"conv_transpose{rank}d",
        x,
        out_channels=weight.shape[1],
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        output_padding=wider,
        dilation=dilation,
        bias=layer.use_bias,
    )
    rest = [(left - p, right - p + w) for (left, right), p, w in zip(crops, padding, wider, strict=True)]
    return activated(call, Value(cropped(call, made, rest), x.order))


def _crop(reach: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """Return how much Keras cuts off the full result on either side; a negative number adds zeros.

    The full result has ``(size - 1) * stride + reach`` elements; "same" leaves ``size * stride`` of them (or
    ``(size - 1) * stride + reach % 2 + output_padding``), "valid" at least ``stride`` a step.
    """
    if padding == "valid":
        return 0, reach - max(reach, stride) if extra is None else -extra
    total = stride + reach - 2 if extra is None else reach + reach % 2 - 2 + extra
    left = min(total // 2 + total % 2, reach - 1)
    return reach - 1 - left, reach - 1 - (total - left)


def cropped(call: Call, name: str, crops: Sequence[tuple[int, int]]) -> str:
    """Return a value with its last axes cut by these many elements on either side."""
    if any(side < 0 for pair in crops for side in pair):
        call.fail("its output_padding is larger than its stride")
    shape = call.walk.builder.types[name].shape
    first = len(shape) - len(crops)
    for axis, (left, right) in enumerate(crops, first):
        if left or right:
            name = call.emit("slice", name, dim=axis, start=left, end=-right if right else None)
    return name


CONVOLUTIONS: Mapping[str, Rule] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), transposed),
}
