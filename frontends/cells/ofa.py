"""Once-for-All MobileNetV3 strings as networks: ``kDIGITS_eDIGITS_dDIGITS_rSIZE``.

Five stages of up to four blocks: kernel and expansion of each of the twenty blocks, the depth of each stage (only
the first d blocks are there) and the size of the image (Cai et al., "Once for All", ICLR 2020, width 1.0).
"""

from __future__ import annotations

from ...ir import Builder, Module, f32, symbol
from .layers import Squeeze, conv_bn, divisible, inverted_residual
from .text import CellText

STEM = 16
WIDTHS = (24, 40, 80, 112, 160)
STRIDES = (2, 2, 2, 1, 2)
ACTS = ("relu", "relu", "hardswish", "hardswish", "hardswish")
SQUEEZES = (False, True, False, True, True)
SLOTS = 4
FINAL = 960
HEAD = 1280
LEAST, MOST = 32, 1024
FORM = "expected kDIGITS_eDIGITS_dDIGITS_rSIZE with 20, 20 and 5 digits"
PARTS = (("k", 20, "357", "kernel"), ("e", 20, "346", "expansion"), ("d", 5, "234", "depth"))


def decode(text: str) -> Module:
    """Return the network of a string, for inputs ``f32[N,3,SIZE,SIZE]``. Raises NascError."""
    kernels, expansions, depths, size = read_choices(CellText("ofa", text))
    b = Builder()
    x = conv_bn(b, b.input("x", f32(symbol("N"), 3, size, size)), STEM, 3, "stem", stride=2, act="hardswish")
    x = inverted_residual(b, x, STEM, 3, STEM, "first", act="relu")
    for stage, width in enumerate(WIDTHS):
        for slot in range(int(depths[stage])):
            digit = stage * SLOTS + slot
            stride = 1 if slot else STRIDES[stage]
            path = f"stages.{stage}.{slot}"
            x = _block(b, x, width, int(kernels[digit]), int(expansions[digit]), stage, stride, path)
    return b.module(_head(b, x), source=f"ofa:{text}")


def _block(b: Builder, x: str, width: int, kernel: int, expansion: int, stage: int, stride: int, path: str) -> str:
    before = b.types[x].shape[1]
    assert isinstance(before, int)
    inner = divisible(before * expansion)
    squeeze = Squeeze(divisible(inner // 4), "relu", "hardsigmoid") if SQUEEZES[stage] else None
    return inverted_residual(b, x, width, kernel, inner, path, stride=stride, act=ACTS[stage], squeeze=squeeze)


def _head(b: Builder, x: str) -> str:
    x = conv_bn(b, x, FINAL, 1, "final", act="hardswish")
    x = b("adaptive_avg_pool2d", x, output_size=1, path="pool")
    x = b("conv2d", x, out_channels=HEAD, kernel_size=1, bias=False, path="mix.conv")
    x = b("hardswish", x, path="mix.act")
    x = b("flatten", x, start_dim=1, path="flatten")
    return b("linear", x, out_features=1000, path="classifier")


def read_choices(cell: CellText) -> tuple[str, str, str, int]:
    """Return kernels, expansions, depths and the image size. Raises NascError where a part is none."""
    words = cell.text.split("_")
    if len(words) != len(PARTS) + 1:
        raise cell.error(len(cell.text), f"the string has {len(words)} parts", FORM)
    position = 0
    found: list[str] = []
    for word, (letter, length, allowed, what) in zip(words, PARTS, strict=False):
        _need_letter(cell, position, word, letter)
        found.append(cell.digits(position + 1, position + len(word), length, allowed, what))
        position += len(word) + 1
    kernels, expansions, depths = found
    return kernels, expansions, depths, _size(cell, position, words[-1])


def _size(cell: CellText, position: int, word: str) -> int:
    _need_letter(cell, position, word, "r")
    digits = word[1:]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 4 or not LEAST <= int(digits) <= MOST:
        hint = f"expected {LEAST} to {MOST}; the benchmark has 128 to 224"
        raise cell.error(position + 1, f"{digits!r} is no image size of ofa", hint)
    return int(digits)


def _need_letter(cell: CellText, position: int, word: str, letter: str) -> None:
    if not word.startswith(letter):
        raise cell.error(position, f"{word!r} does not start with {letter}", FORM)
