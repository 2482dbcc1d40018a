"""What the two spaces of TransNAS-Bench-101 share: the stem, modules of two blocks, and the object classifier.

Duan et al., "TransNAS-Bench-101", CVPR 2021, section 3. A string is ``64-DIGITS-CELL``: the channels after the stem,
a digit a module (1 plain, 2 channels doubled, 3 resolution halved, 4 both), and what a block holds.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Builder, Module, f32, symbol
from .layers import classifier, conv_bn, relu_conv_bn
from .text import CellText

SIZE = 224
CLASSES = 75
BLOCKS = 2
MOST_MODULES = 16
WIDEST = 1024

Block = Callable[[Builder, str, int, int, str], str]


def network(cell: CellText, block: Block) -> Module:
    """Return the network of ``CHANNELS-DIGITS-...`` for inputs ``f32[N,3,224,224]``, each block made by ``block``.

    It is the one of the task of object classification, 75 classes. Raises NascError at what is none of these.
    """
    width, modules = _head(cell)
    b = Builder()
    x = conv_bn(b, b.input("x", f32(symbol("N"), 3, SIZE, SIZE)), width // 2, 3, "stem.0", stride=2)
    x = relu_conv_bn(b, x, width, 3, "stem.1", stride=2)
    for index, kind in enumerate(modules):
        width *= 2 if kind in "24" else 1
        for repeat in range(BLOCKS):
            stride = 2 if kind in "34" and not repeat else 1
            x = block(b, x, width, stride, f"layers.{index}.{repeat}")
    return b.module(classifier(b, x, CLASSES, "head"), source=f"{cell.family}:{cell.text}")


def split(cell: CellText) -> tuple[str, str, str]:
    """Return the three parts of the string. Raises NascError where there are more or fewer."""
    parts = cell.text.split("-")
    if len(parts) != 3:
        place = len(cell.text) if len(parts) < 3 else len("-".join(parts[:3]))
        hint = "expected three: channels, a digit a module and the cell, such as 64-41414-..."
        raise cell.error(place, f"the string has {len(parts)} parts between dashes", hint)
    return parts[0], parts[1], parts[2]


def _head(cell: CellText) -> tuple[int, str]:
    channels, modules, _ = split(cell)
    if not channels.isascii() or not channels.isdigit() or not 2 <= int(channels[:5]) <= WIDEST or len(channels) > 5:
        raise cell.error(0, f"{channels!r} is no number of channels", f"expected 2 to {WIDEST}; the benchmark has 64")
    start = len(channels) + 1
    length = min(max(len(modules), 1), MOST_MODULES)
    found = cell.digits(start, start + len(modules), length, "1234", "module")
    halvings = [index for index, digit in enumerate(found) if digit in "34"]
    if len(halvings) > 5:
        hint = f"an image of {SIZE} pixels can be halved 5 times after the stem"
        raise cell.error(start + halvings[5], "the resolution is halved too often", hint)
    return int(channels), found
