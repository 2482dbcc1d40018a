"""Flaws: 0 in sound networks, and what each costs is more than what layers around it gain."""

import numpy as np
import pytest

from nasc.ir import Builder, Module, f32
from nasc.predictor import Predictor
from nasc.predictor.features import features, mask_places
from nasc.predictor.flaws import FLAWS
from nasc.predictor.statistics import NAMES, Columns, statistics
from nasc.tests.predictor.networks import N, conv, residual, transformer


def chain(widths: tuple[int, ...], kernel: int = 3, act: bool = True, strides: tuple[int, ...] = (2, 5)) -> Module:
    """Convolutions one after the other."""
    b = Builder()
    x = b.input("x", f32(N, 3, 32, 32))
    for i, width in enumerate(widths):
        x = conv(b, x, width, f"body.{i}", kernel, 2 if i in strides else 1, act)
    x = b("flatten", b("adaptive_avg_pool2d", x, output_size=1, path="pool"), start_dim=1, path="flat")
    return b.module(b("linear", x, out_features=10, path="fc"))


def flaws(module: Module) -> dict[str, float]:
    numbers = dict(zip(NAMES, features(module).statistics.tolist(), strict=True))
    return {name: numbers[name] for name in FLAWS if numbers[name] > 0}


def score(predictor: Predictor, module: Module) -> float:
    (prediction,) = predictor.predict([module])
    return prediction.score


@pytest.mark.parametrize("module", [residual(), residual(3, 18), transformer(), chain((64,) * 8)])
def test_sound_networks_have_none(module: Module) -> None:
    assert flaws(module) == {}


def test_each_has_its_network() -> None:
    assert flaws(chain((32,) * 47)) == {"unbroken depth": pytest.approx(np.log(49 / 24))}
    assert flaws(chain((64, 64, 2, 64, 64, 64, 64, 64))) == {"narrowness": pytest.approx(2)}
    assert flaws(chain((64,) * 8, act=False)) == {"linearity": pytest.approx(1)}
    assert flaws(chain((64,) * 8, kernel=1)) == {"blindness": pytest.approx(5)}


def test_what_goes_round_a_narrow_layer_is_not_bounded_by_it() -> None:
    b = Builder()
    x = conv(b, b.input("x", f32(N, 3, 32, 32)), 64, "stem")
    x = b("add", x, conv(b, conv(b, x, 1, "down"), 64, "up"), path="sum")
    halves = [conv(b, x, 6, f"half.{i}") for i in range(2)]
    x = conv(b, b("cat", *halves, dim=1, path="cat"), 64, "after")
    assert "narrowness" not in flaws(b.module(x))


def test_a_masked_bottleneck_is_none() -> None:
    graph = features(chain((64, 64, 2, 64, 64, 64, 64, 64)))
    keep = mask_places(graph, [[], ["body.2.conv"]])
    narrow = statistics(Columns.of(graph.layout), keep)[:, NAMES.index("narrowness")]
    assert narrow.tolist() == [2, 0]


def test_plain_networks_do_not_gain_by_depth_for_ever_and_residual_ones_do(predictor: Predictor) -> None:
    shallow, deep = (score(predictor, chain((32,) * depth)) for depth in (20, 110))
    assert deep < shallow
    assert score(predictor, residual(3, 18)) > score(predictor, residual(3, 3)) + 0.5


def test_layers_put_around_a_bottleneck_gain_nothing(predictor: Predictor) -> None:
    sound = score(predictor, chain((64,) * 8))
    assert score(predictor, chain((64, 64, 1, 64, 64, 64, 64, 64, 64, 64))) < sound
    assert score(predictor, chain((256,) * 8, kernel=1)) < sound
    assert score(predictor, chain((64,) * 12, act=False)) < sound
