"""Groups of layers that networks of several benchmarks share, each written below one layer path."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import Builder, Dim


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Squeeze and excitation: channels inside, the activation there, and the one that makes the factors."""

    width: int
    act: str
    gate: str


def conv_bn(
    b: Builder,
    x: str,
    width: Dim,
    kernel: int | tuple[int, int],
    path: str,
    *,
    stride: int | tuple[int, int] = 1,
    groups: Dim = 1,
    act: str = "",
) -> str:
    """Add convolution, normalisation and the activation of this name, if any: ``path.conv``, ``.bn``, ``.act``."""
    x = b("batch_norm", conv(b, x, width, kernel, f"{path}.conv", stride=stride, groups=groups), path=f"{path}.bn")
    return b(act, x, path=f"{path}.act") if act else x


def relu_conv_bn(b: Builder, x: str, width: Dim, kernel: int, path: str, *, stride: int = 1) -> str:
    """Add ReLU, convolution and normalisation: ``path.relu``, ``.conv``, ``.bn``."""
    return conv_bn(b, b("relu", x, path=f"{path}.relu"), width, kernel, path, stride=stride)


def conv(
    b: Builder,
    x: str,
    width: Dim,
    kernel: int | tuple[int, int],
    path: str,
    *,
    stride: int | tuple[int, int] = 1,
    groups: Dim = 1,
    dilation: int = 1,
) -> str:
    """Add a convolution without bias whose padding keeps the resolution at stride 1."""
    kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return b(
        "conv2d",
        x,
        out_channels=width,
        kernel_size=kernels,
        stride=stride,
        padding=tuple(dilation * (k - 1) // 2 for k in kernels),
        dilation=dilation,
        groups=groups,
        bias=False,
        path=path,
    )


def factorized_reduce(b: Builder, x: str, width: Dim, path: str, *, stride: int = 2) -> str:
    """Add ReLU, two 1x1 convolutions, the second a pixel further on, side by side, and normalisation."""
    x = b("relu", x, path=f"{path}.relu")
    shifted = b("pad", x, pad=(0, 1, 0, 1), path=f"{path}.pad")
    shifted = b("slice", shifted, dim=2, start=1, path=f"{path}.rows")
    shifted = b("slice", shifted, dim=3, start=1, path=f"{path}.columns")
    half = width // 2
    left = conv(b, x, half, 1, f"{path}.conv_1", stride=stride)
    right = conv(b, shifted, width - half, 1, f"{path}.conv_2", stride=stride)
    return b("batch_norm", b("cat", left, right, dim=1, path=f"{path}.cat"), path=f"{path}.bn")


def inverted_residual(
    b: Builder,
    x: str,
    width: int,
    kernel: int,
    inner: int,
    path: str,
    *,
    stride: int = 1,
    act: str = "relu6",
    squeeze: Squeeze | None = None,
) -> str:
    """Add an inverted residual block of ``inner`` channels inside (as many as outside: no expansion).

    That is expansion, depthwise convolution, squeeze and excitation if any, projection, and the sum with the input
    where the shape stays.
    """
    y = x
    if inner != b.types[x].shape[1]:
        y = conv_bn(b, y, inner, 1, f"{path}.expand", act=act)
    y = conv_bn(b, y, inner, kernel, f"{path}.depthwise", stride=stride, groups=inner, act=act)
    if squeeze:
        y = squeeze_excite(b, y, squeeze, f"{path}.se")
    y = conv_bn(b, y, width, 1, f"{path}.project")
    same = stride == 1 and b.types[x].shape[1] == width
    return b("add", x, y, path=f"{path}.sum") if same else y


def squeeze_excite(b: Builder, x: str, squeeze: Squeeze, path: str) -> str:
    """Add the product of ``x`` with factors a channel: global pooling and two 1x1 convolutions with bias."""
    y = b("adaptive_avg_pool2d", x, output_size=1, path=f"{path}.pool")
    y = b("conv2d", y, out_channels=squeeze.width, kernel_size=1, path=f"{path}.reduce")
    y = b(squeeze.act, y, path=f"{path}.act")
    y = b("conv2d", y, out_channels=b.types[x].shape[1], kernel_size=1, path=f"{path}.expand")
    return b("mul", x, b(squeeze.gate, y, path=f"{path}.gate"), path=f"{path}.scale")


def classifier(b: Builder, x: str, classes: int, path: str) -> str:
    """Add global average pooling and the linear layer ``path.linear``."""
    x = b("adaptive_avg_pool2d", x, output_size=1, path=f"{path}.pool")
    x = b("flatten", x, start_dim=1, path=f"{path}.flatten")
    return b("linear", x, out_features=classes, path=f"{path}.linear")


def divisible(value: float, divisor: int = 8) -> int:
    """Return the nearest multiple of the divisor that is at least nine tenths of the value."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor
