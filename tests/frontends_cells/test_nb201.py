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
