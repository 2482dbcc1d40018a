"""Arrays of networks: the same however the network is written down."""

import numpy as np
import pytest

from nasc.frontends.cells import nb101, nb201
from nasc.grammar import parse
from nasc.ir import Module
from nasc.passes import inline
from nasc.predictor.features import features, mask_places
from nasc.predictor.statistics import NAMES, Columns, statistics
from nasc.tests.predictor.networks import residual, transformer

CELLS = {
    "nb101": nb101("100110100001001010101", "02001"),
    "nb201": nb201("|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"),
}


@pytest.mark.parametrize("module", CELLS.values(), ids=CELLS)
def test_calls_count_as_what_they_expand_to(module: Module) -> None:
    outlined, flat = features(module), features(inline(module))
    np.testing.assert_array_equal(outlined.kinds, flat.kinds)
    np.testing.assert_array_equal(outlined.rows, flat.rows)
    np.testing.assert_array_equal(outlined.edges, flat.edges)
    np.testing.assert_array_equal(outlined.statistics, flat.statistics)


def test_statistics_of_a_chain_count_its_layers() -> None:
    graph = features(residual(stages=1, blocks=1))
    numbers = dict(zip(NAMES, graph.statistics, strict=True))
    # stem and two 3x3 convolutions, the classifier; the short way round leaves two 3x3 out
    assert np.expm1(numbers["mixing layers"]) == pytest.approx(3)
    assert np.expm1(numbers["longest path, layers"]) == pytest.approx(4)
    assert np.expm1(numbers["shortest path, mixing"]) == pytest.approx(1)
    assert np.expm1(numbers["mean path, mixing"]) == pytest.approx(2)
    assert np.expm1(numbers["paths"]) == pytest.approx(np.log(2))
    assert numbers["norm share"] == numbers["activation share"] == 1


def test_masked_nodes_leave_the_statistics_and_their_paths_stay() -> None:
    module = residual(stages=1, blocks=1)
    graph = features(module)
    keep = mask_places(graph, [[], ["stages.0.0.a.conv"], ["stages.0.0.a.bn"], ["flat.flatten"]])
    whole, layer, norm, moved = (
        dict(zip(NAMES, row, strict=True)) for row in statistics(Columns.of(graph.layout), keep)
    )
    assert np.expm1(layer["longest path, mixing"]) == pytest.approx(2)
    assert layer["paths"] == whole["paths"]
    assert 10 ** whole["log10 params"] - 10 ** layer["log10 params"] == pytest.approx(32 * 32 * 9)
    assert 10 ** whole["log10 params"] - 10 ** norm["log10 params"] == pytest.approx(64)
    assert norm["norm share"] < whole["norm share"]
    assert moved == whole


@pytest.mark.parametrize("module", [residual(), transformer(), *CELLS.values()])
def test_rows_are_finite_and_bounded(module: Module) -> None:
    graph = features(module)
    assert np.isfinite(graph.rows).all()
    assert np.isfinite(graph.statistics).all()
    assert (graph.edges[0] < graph.edges[1]).all()


def test_pools_that_halve_the_resolution_are_not_counted_as_pooling() -> None:
    numbers = dict(zip(NAMES, features(nb101("101", "0")).statistics, strict=True))
    assert numbers["pool share"] == 0


def test_a_softmax_at_the_end_does_not_stand_for_an_activation() -> None:
    text = """nasc 1
graph @main(%x: f32[N,64]) {
  %a = linear %x {out_features=16}
  %act = relu %a
  %b = linear %act {out_features=10}
  %y = log_softmax %b {dim=1}
  return %y
}
"""
    graph = features(parse(text))
    keep = mask_places(graph, [[], ["act"]])
    shares = statistics(Columns.of(graph.layout), keep)[:, NAMES.index("activation share")]
    assert shares.tolist() == [1, 0]


def test_a_recurrent_layer_computes_and_sees_the_whole_sequence() -> None:
    text = """nasc 1
graph @main(%x: i64[N,16]) {
  %e = embedding %x {num_embeddings=9, embedding_dim=8}
  %h = full {shape=[1, N, 8], value=0}
  %r, %s = gru %e, %h {hidden_size=8, batch_first=true}
  %y = linear %r {out_features=4}
  return %y
}
"""
    numbers = dict(zip(NAMES, features(parse(text)).statistics.tolist(), strict=True))
    assert numbers["mixing layers"] > 0
    assert numbers["blindness"] == 0
