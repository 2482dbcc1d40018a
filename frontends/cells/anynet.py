"""AnyNets: a stem, stages of equal blocks, and a linear classifier.

Radosavovic et al., "On Network Design Spaces for Visual Recognition", ICCV 2019, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...ir import Builder, Module, f32, symbol
from .layers import classifier, conv_bn


@dataclass(frozen=True)
class AnyNet:
    """Depths, widths, strides, bottleneck ratios and groups by stage; the first stage is the stem."""

    block: str
    depths: tuple[int, ...]
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    ratios: tuple[float, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """What one block makes: channels, stride, channels inside and their groups."""

    width: int
    stride: int
    inner: int
    groups: int


def network(net: AnyNet, source: str) -> Module:
    """Return the network: for ``f32[N,3,32,32]`` where the stem has stride 1, else for ``f32[N,3,224,224]``."""
    cifar = net.strides[0] == 1
    size = 32 if cifar else 224
    b = Builder()
    x = _stem(b, b.input("x", f32(symbol("N"), 3, size, size)), net.widths[0], net.strides[0])
    for stage in range(1, len(net.depths)):
        width, ratio = net.widths[stage], net.ratios[stage]
        for index in range(net.depths[stage]):
            stride = 1 if index else net.strides[stage]
            shape = Shape(width, stride, max(1, round(width * ratio)), net.groups[stage])
            x = BLOCKS[net.block](b, x, shape, f"stages.{stage}.{index}")
    return b.module(classifier(b, x, 10 if cifar else 1000, "head"), source=source)


def _stem(b: Builder, x: str, width: int, stride: int) -> str:
    if stride == 1:
        return conv_bn(b, x, width, 3, "stem", act="relu")
    if stride == 8:
        for index, channels in enumerate((width // 2, width, width)):
            x = conv_bn(b, x, channels, 3, f"stem.{index}", stride=2, act="relu")
        return x
    x = conv_bn(b, x, width, 7, "stem", stride=2, act="relu")
    return b("max_pool2d", x, kernel_size=3, stride=2, padding=1, path="stem.pool")


def _plain(b: Builder, x: str, shape: Shape, path: str) -> str:
    x = conv_bn(b, x, shape.width, 3, f"{path}.a", stride=shape.stride, act="relu")
    return conv_bn(b, x, shape.width, 3, f"{path}.b", act="relu")


def _basic(b: Builder, x: str, shape: Shape, path: str) -> str:
    y = conv_bn(b, x, shape.width, 3, f"{path}.a", stride=shape.stride, act="relu")
    y = conv_bn(b, y, shape.width, 3, f"{path}.b")
    return _joined(b, x, y, shape, path)


def _bottleneck(b: Builder, x: str, shape: Shape, path: str) -> str:
    y = conv_bn(b, x, shape.inner, 1, f"{path}.a", act="relu")
    y = conv_bn(b, y, shape.inner, 3, f"{path}.b", stride=shape.stride, groups=shape.groups, act="relu")
    y = conv_bn(b, y, shape.width, 1, f"{path}.c")
    return _joined(b, x, y, shape, path)


def _joined(b: Builder, x: str, y: str, shape: Shape, path: str) -> str:
    if shape.stride != 1 or b.types[x].shape[1] != shape.width:
        x = conv_bn(b, x, shape.width, 1, f"{path}.shortcut", stride=shape.stride)
    return b("relu", b("add", x, y, path=f"{path}.sum"), path=f"{path}.relu")


BLOCKS: Mapping[str, Callable[[Builder, str, Shape, str], str]] = MappingProxyType(
    {"double_plain_block": _plain, "res_basic_block": _basic, "res_bottleneck_block": _bottleneck}
)
"""What a block of each type adds to the builder."""
