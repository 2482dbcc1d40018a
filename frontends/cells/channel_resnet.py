"""Channel-Bench-Macro strings as networks: a residual network whose widths are the seven digits.

Digit d is the d-th of four widths: quarters of 256 for the first three, of 512 for the others. A stem at half
the resolution, then blocks of two 3x3 convolutions: c0-c1-c0, c0-c2-c0, c0-c3-c4 at half the resolution and
without a shortcut, c4-c5-c4, c4-c6-c4.
"""

from __future__ import annotations

from ...ir import Builder, Module, NascError, f32, symbol

QUARTERS = (64, 64, 64, 128, 128, 128, 128)


def channel_resnet(arch: str, classes: int = 10) -> Module:
    """Return the network of an architecture string, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    if len(arch) != len(QUARTERS) or set(arch) - set("1234"):
        raise NascError.of(
            f"{arch!r} is no channel_resnet architecture", "expected 7 digits, each 1 to 4", "cell-string"
        )
    c = [int(digit) * quarter for digit, quarter in zip(arch, QUARTERS, strict=True)]
    b = Builder()
    x = _conv(b, b.input("x", f32(symbol("N"), 3, 32, 32)), c[0], 2, "stem")
    for index, (inner, outer) in enumerate(((c[1], c[0]), (c[2], c[0]), (c[3], c[4]), (c[5], c[4]), (c[6], c[4]))):
        path, halves = f"blocks.{index}", index == 2
        y = _conv(b, x, inner, 2 if halves else 1, f"{path}.a")
        y = _conv(b, y, outer, 1, f"{path}.b", act=halves)
        x = y if halves else b("relu", b("add", x, y, path=f"{path}.sum"), path=f"{path}.relu")
    x = b("adaptive_avg_pool2d", x, output_size=1, path="pool")
    x = b("flatten", x, start_dim=1, path="flatten")
    return b.module(b("linear", x, out_features=classes, path="fc"), source=f"channel_resnet:{arch}")


def _conv(b: Builder, x: str, width: int, stride: int, path: str, *, act: bool = True) -> str:
    x = b("conv2d", x, out_channels=width, kernel_size=3, stride=stride, padding=1, bias=False, path=f"{path}.conv")
    x = b("batch_norm", x, path=f"{path}.bn")
    return b("relu", x, path=f"{path}.relu") if act else x
