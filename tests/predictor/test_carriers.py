"""Which nodes the encoder sees, and what is folded into them."""

import pytest

from nasc.ir import Builder, Module, f32, symbol
from nasc.predictor.carriers import ACTIVATION, MAIN, NORM, fold
from nasc.predictor.expansion import expand
from nasc.predictor.features import features
from nasc.predictor.kinds import KIND_OF, Kind
from nasc.tests.predictor.networks import conv, residual, transformer

N = symbol("N")


def kinds(module: Module) -> list[str]:
    return [carrier.kind.name for carrier in fold(expand(module)).carriers]


def test_norm_and_activation_belong_to_the_convolution_before() -> None:
    b = Builder()
    module = b.module(conv(b, b.input("x", f32(N, 3, 8, 8)), 4, "c"))
    (carrier,) = fold(expand(module)).carriers
    assert (carrier.kind, carrier.norm, carrier.activation) == (Kind.CONV, True, True)
    assert (carrier.params, carrier.fold_params) == (3 * 4 * 9, 8)
    assert features(module).places == {"c.conv": (0, MAIN), "c.bn": (0, NORM), "c.relu.relu": (0, ACTIVATION)}


def test_norm_and_activation_belong_to_the_convolution_after_where_the_sum_before_is_shared() -> None:
    b = Builder()
    x = conv(b, b.input("x", f32(N, 4, 8, 8)), 4, "a", act=False)
    y = b("conv2d", b("relu", b("batch_norm", x)), out_channels=4, kernel_size=3, padding=1)
    module = b.module(b("add", x, y))
    first, second, _ = fold(expand(module)).carriers
    assert (first.norm, first.activation) == (True, False)
    assert (second.norm, second.activation) == (True, True)


def test_an_activation_between_sums_stands_alone() -> None:
    b = Builder()
    x = b.input("x", f32(N, 4, 8, 8))
    module = b.module(b("add", b("relu", x), x))
    assert kinds(module) == ["ACTIVATION", "ADD"]


def test_dead_nodes_and_data_movement_are_not_seen() -> None:
    b = Builder()
    x = b.input("x", f32(N, 3, 8, 8))
    conv(b, x, 64, "dead")
    y = b("dropout", b("flatten", x, start_dim=1))
    assert kinds(b.module(b("linear", y, out_features=10))) == ["CONV"]


def test_what_a_product_with_zero_reads_is_dead() -> None:
    b = Builder()
    x = conv(b, b.input("x", f32(N, 3, 8, 8)), 64, "dead")
    x = b("mul", x, other=0.0)
    assert kinds(b.module(conv(b, x, 4, "live"))) == ["ZERO", "CONV"]


def test_a_parameter_counts_where_it_is_added() -> None:
    graph = features(transformer(blocks=1))
    plain = sum(row for row in graph.layout.numbers[:, 0])
    assert plain > 64 * 64
    assert kinds(transformer(blocks=1)).count("ATTENTION") == 1


def test_a_network_that_computes_nothing_has_features() -> None:
    b = Builder()
    graph = features(b.module(b.input("x", f32(N, 3, 8, 8))))
    assert len(graph.kinds) == 1
    assert graph.layout.params == 0


@pytest.mark.parametrize("module", [residual(), transformer()], ids=["residual", "transformer"])
def test_parameters_and_macs_are_those_of_the_cost(module: Module) -> None:
    from nasc.passes import cost

    assert features(module).layout.params == cost(module).params
    assert features(module).layout.macs == cost(module).macs


def test_every_listed_op_exists() -> None:
    from nasc.ir import OPS

    assert set(KIND_OF) <= set(OPS)
