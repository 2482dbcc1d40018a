"""How alike two inputs become: rectifiers pull them together, skips keep them apart."""

import numpy as np
import pytest

from nasc.ir import Builder, Module, f32, symbol
from nasc.predictor.features import layout
from nasc.predictor.signal import collapse
from nasc.tests.predictor.networks import conv


def chain(layers: int, skip: bool = False) -> Module:
    b = Builder()
    x = b.input("x", f32(symbol("N"), 8, 8, 8))
    for i in range(layers):
        y = conv(b, x, 8, f"c{i}")
        x = b("add", x, y) if skip and i else y
    return b.module(x)


def test_one_rectifier_is_the_arc_cosine_kernel() -> None:
    expected = (np.sqrt(0.75) + 0.5 * (np.pi - np.arccos(0.5))) / np.pi
    assert collapse(layout(chain(1))) == pytest.approx(-np.log(1 - expected), abs=1e-5)


def test_depth_pulls_inputs_together_and_skips_keep_them_apart() -> None:
    short, deep, skipping = (collapse(layout(m)) for m in (chain(2), chain(12), chain(12, skip=True)))
    assert short < skipping < deep
