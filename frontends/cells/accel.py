"""Accel-NASBench strings as networks: ``e6k3l1se0_...``, seven stages of the EfficientNet-B0 skeleton.

A stage has ``l`` inverted residual blocks of expansion ``e`` and kernel ``k``, with squeeze and excitation where
``se1`` (Ahmad et al., "Accel-NASBench", DAC 2024, appendix B). The activation is EfficientNet's; the table cannot tell.
"""

from __future__ import annotations

import re

from ...ir import Builder, Module, f32, symbol
from .layers import Squeeze, classifier, conv_bn, inverted_residual
from .text import CellText, listed

STEM = 32
WIDTHS = (16, 24, 40, 80, 112, 192, 320)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
HEAD = 1280
SIZE = 224
ACT = "silu"
FIELDS = {"e": ("expansion", "146"), "k": ("kernel", "35"), "l": ("layers", "1234"), "se": ("squeeze-excite", "01")}
FORM = "expected e6k3l1se0: expansion, kernel, layers, squeeze-excite"
_FIELD = re.compile(r"([A-Za-z]+)(\d+)")

Stage = dict[str, int]


def decode(text: str) -> Module:
    """Return the network of a string, for inputs ``f32[N,3,224,224]``. Raises NascError."""
    stages = read_stages(CellText("accel", text))
    b = Builder()
    x = conv_bn(b, b.input("x", f32(symbol("N"), 3, SIZE, SIZE)), STEM, 3, "stem", stride=2, act=ACT)
    for index, (stage, width, stride) in enumerate(zip(stages, WIDTHS, STRIDES, strict=True)):
        for layer in range(stage["l"]):
            x = _block(b, x, stage, width, 1 if layer else stride, f"stages.{index}.{layer}")
    x = conv_bn(b, x, HEAD, 1, "head", act=ACT)
    return b.module(classifier(b, x, 1000, "classifier"), source=f"accel:{text}")


def _block(b: Builder, x: str, stage: Stage, width: int, stride: int, path: str) -> str:
    before = b.types[x].shape[1]
    assert isinstance(before, int)
    squeeze = Squeeze(before // 4, ACT, "sigmoid") if stage["se"] else None
    inner = before * stage["e"]
    return inverted_residual(b, x, width, stage["k"], inner, path, stride=stride, act=ACT, squeeze=squeeze)


def read_stages(cell: CellText) -> list[Stage]:
    """Return expansion, kernel, layers and squeeze-excite of each stage. Raises NascError where they are others."""
    words = cell.text.split("_")
    if len(words) != len(WIDTHS):
        place = len(cell.text) if len(words) < len(WIDTHS) else len("_".join(words[: len(WIDTHS)]))
        raise cell.error(place, f"the string has {len(words)} stages", f"expected {len(WIDTHS)}, joined by _")
    stages: list[Stage] = []
    position = 0
    for word in words:
        stages.append(_stage(cell, word, position))
        position += len(word) + 1
    return stages


def _stage(cell: CellText, word: str, position: int) -> Stage:
    found = list(_FIELD.finditer(word))
    if [match[1] for match in found] != list(FIELDS) or "".join(match[0] for match in found) != word:
        raise cell.error(position, f"{word!r} is no stage of accel", FORM)
    for match in found:
        what, allowed = FIELDS[match[1]]
        if len(match[2]) != 1 or match[2] not in allowed:
            place = position + match.start(2)
            raise cell.error(place, f"{match[2]!r} is no {what} of accel", f"expected {listed(allowed)}")
    return {match[1]: int(match[2]) for match in found}
