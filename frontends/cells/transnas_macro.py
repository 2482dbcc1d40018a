"""TransNAS-Bench-101 skeletons as networks, ``64-DIGITS-basic``: modules of two residual blocks each.

Duan et al., "TransNAS-Bench-101", CVPR 2021, section 3.2.
"""

from __future__ import annotations

from ...ir import Builder, Module, did_you_mean
from .layers import conv_bn, relu_conv_bn
from .text import CellText
from .transnas import network, split


def decode(text: str) -> Module:
    """Return the network of a string, for inputs ``f32[N,3,224,224]``. Raises NascError."""
    cell = CellText("transnas_macro", text)
    channels, modules, block = split(cell)
    if block != "basic":
        place = len(channels) + len(modules) + 2
        hint = "write transnas_micro: for cells" if "_" in block else did_you_mean(block, ["basic"])
        raise cell.error(place, f"{block!r} is no block of {cell.family}", hint)
    return network(cell, _block)


def _block(b: Builder, x: str, width: int, stride: int, path: str) -> str:
    y = relu_conv_bn(b, x, width, 3, f"{path}.a", stride=stride)
    y = relu_conv_bn(b, y, width, 3, f"{path}.b")
    if stride != 1 or b.types[x].shape[1] != width:
        x = conv_bn(b, x, width, 1, f"{path}.shortcut", stride=stride)
    return b("add", x, y, path=f"{path}.sum")
