"""NAS-Bench-Macro strings as networks: eight digits, one a block of three stages (Su et al., CVPR 2021).

0 keeps its input (a 1x1 convolution where the shape changes), 1 is an inverted residual with 3x3 kernels and expansion
3, 2 one with 5x5 kernels and expansion 6. The first block of a stage halves the resolution and doubles the width.
"""

from __future__ import annotations

from ...ir import Builder, Module, f32, symbol
from .layers import classifier, conv_bn, inverted_residual
from .text import CellText

STAGES = (2, 3, 3)
STEM = 32
HEAD = 1280
BLOCKS = {"1": (3, 3), "2": (5, 6)}


def decode(text: str) -> Module:
    """Return the network of eight digits, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    return nasbench_macro(text)


def nasbench_macro(arch: str, classes: int = 10) -> Module:
    """Return the network of an architecture string, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    digits = iter(CellText("macro", arch).digits(0, len(arch), sum(STAGES), "012", "block"))
    b = Builder()
    x = conv_bn(b, b.input("x", f32(symbol("N"), 3, 32, 32)), STEM, 3, "stem", act="relu6")
    for stage, blocks in enumerate(STAGES):
        for index in range(blocks):
            x = _block(b, x, next(digits), STEM << (stage + 1), 1 if index else 2, f"stages.{stage}.{index}")
    x = conv_bn(b, x, HEAD, 1, "head", act="relu6")
    return b.module(classifier(b, x, classes, "classifier"), source=f"macro:{arch}")


def _block(b: Builder, x: str, digit: str, width: int, stride: int, path: str) -> str:
    if digit == "0":
        return x if stride == 1 else conv_bn(b, x, width, 1, path, stride=stride)
    kernel, expansion = BLOCKS[digit]
    before = b.types[x].shape[1]
    assert isinstance(before, int)
    return inverted_residual(b, x, width, kernel, before * expansion, path, stride=stride)
