from itertools import product

import pytest

from nasc.frontends.cells import nb201
from nasc.frontends.cells.nb201 import live_edges, parse_edges
from nasc.ir import digest, verify
from nasc.passes import cost, inline

CONV = "nor_conv_3x3"


def arch(*ops: str) -> str:
    a, b, c, d, e, f = ops
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def test_the_largest_network_has_the_published_size() -> None:
    module = nb201(arch(*[CONV] * 6))
    assert verify(module) == ()
    assert (cost(module).params, cost(module).macs) == (1_531_546, 220_119_680)


def test_a_cell_without_a_path_gives_zeros_and_keeps_the_skeleton() -> None:
    module = nb201(arch(*["none"] * 6))
    assert [node.op.name for node in module.graph("cell").nodes] == ["mul"]
    assert cost(module).params == 73_306


def test_edges_off_every_path_are_left_out() -> None:
    # node 1 is fed but nothing reads it; node 2 is read but nothing feeds it
    edges = live_edges(parse_edges(arch(CONV, "none", "none", "skip_connect", "none", CONV)))
    assert edges == {(0, 3): "skip_connect"}


def test_equal_networks_have_equal_digests() -> None:
    dead = nb201(arch(CONV, "none", "none", "avg_pool_3x3", "none", "none"))
    plain = nb201(arch("none", "none", "none", "avg_pool_3x3", "none", "none"))
    assert digest(inline(dead)) == digest(inline(plain))


def test_a_cell_of_skips_alone_checks() -> None:
    assert verify(nb201(arch(*["skip_connect"] * 6))) == ()


@pytest.mark.parametrize(
    "ops", list(product(("none", "skip_connect", CONV), ("skip_connect", "avg_pool_3x3"), repeat=2))
)
def test_the_numbers_of_nodes_do_not_change_the_network(ops: tuple[str, ...]) -> None:
    # without an edge from node 1 to node 2 the two may change places
    a, b, d, e = ops
    one = nb201(arch(a, b, "none", "nor_conv_1x1", d, e))
    other = nb201(arch(b, a, "none", "nor_conv_1x1", e, d))
    assert digest(inline(one)) == digest(inline(other))


def test_a_sum_that_only_a_sum_reads_is_part_of_it() -> None:
    one = nb201(arch("skip_connect", CONV, "nor_conv_1x1", "avg_pool_3x3", "none", "skip_connect"))
    other = nb201(arch(CONV, "skip_connect", "none", "avg_pool_3x3", "skip_connect", "nor_conv_1x1"))
    assert digest(inline(one)) == digest(inline(other))
    shared = nb201(arch("skip_connect", CONV, "nor_conv_1x1", "none", "none", CONV))
    assert verify(shared) == ()
