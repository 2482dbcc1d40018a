"""Channel-Bench-Macro strings as networks: a residual network whose widths are the seven digits.

Digit d is the d-th of four widths: quarters of 256 for the first three, of 512 for the others. A stem at half
the resolution, then blocks of two 3x3 convolutions: c0-c1-c0, c0-c2-c0, c0-c3-c4 at half the resolution and
without a shortcut, c4-c5-c4, c4-c6-c4.
"""

from __future__ import annotations

from ...ir import Builder, Module, f32, symbol
from .layers import classifier, conv_bn
from .text import CellText

QUARTERS = (64, 64, 64, 128, 128, 128, 128)


def decode(text: str) -> Module:
    """Return the network of seven digits, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    return channel_resnet(text)


def channel_resnet(arch: str, classes: int = 10) -> Module:
    """Return the network of an architecture string, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    digits = CellText("channel", arch).digits(0, len(arch), len(QUARTERS), "1234", "width")
    c = [int(digit) * quarter for digit, quarter in zip(digits, QUARTERS, strict=True)]
    b = Builder()
    x = conv_bn(b, b.input("x", f32(symbol("N"), 3, 32, 32)), c[0], 3, "stem", stride=2, act="relu")
    for index, (inner, outer) in enumerate(((c[1], c[0]), (c[2], c[0]), (c[3], c[4]), (c[5], c[4]), (c[6], c[4]))):
        path, halves = f"blocks.{index}", index == 2
        y = conv_bn(b, x, inner, 3, f"{path}.a", stride=2 if halves else 1, act="relu")
        y = conv_bn(b, y, outer, 3, f"{path}.b", act="relu" if halves else "")
        x = y if halves else b("relu", b("add", x, y, path=f"{path}.sum"), path=f"{path}.relu")
    return b.module(classifier(b, x, classes, "head"), source=f"channel:{arch}")
