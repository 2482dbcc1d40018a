"""The space nb201: every way to write a cell is known, everything else is refused, every move stays inside."""

from itertools import product
from random import Random

import pytest
from lark import Lark
from llguidance import LLMatcher

from nasc.frontends.cells.nb201 import OPERATIONS, nb201, parse_edges
from nasc.grammar import parse, print_module
from nasc.ir import Module, NascError, checked, digest
from nasc.search import apply_edits, parse_edits
from nasc.search.engine import Space, Spot
from nasc.search.llm.random import draw_answer
from nasc.search.llm.rules import read_rules
from nasc.search.spaces import nb201_form, open_space
from nasc.search.spaces.nb201 import Nb201Space
from nasc.search.spaces.nb201_form import EDGES, canonical, index, key_of, written
from nasc.search.spaces.nb201_reading import recognise

CONV, POINT, POOL, SKIP, NONE = "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect", "none"
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
SPACE: Space = Nb201Space()


def arch(*ops: str) -> str:
    return written(dict(zip(EDGES, ops, strict=True)))


def edited(module: Module, script: str) -> Module:
    return checked(apply_edits(module, parse_edits(script)))


def test_the_space_has_so_many_networks() -> None:
    assert len(index()) == 5260
    assert all(canonical(own) == own for own in list(index().values())[::40])


def test_the_index_is_read_back_from_the_cache_and_made_anew_where_it_is_broken(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NASC_CACHE_DIR", str(tmp_path))
    small = {"a": BEST}
    monkeypatch.setattr(nb201_form, "_indexed", lambda: dict(small))
    fresh = index.__wrapped__
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "nb201-1.json").write_text("{", encoding="utf-8")
    assert fresh() == small
    small["b"] = "|"
    assert fresh() == {"a": BEST}, "the file was written and is read"


@pytest.mark.parametrize("seed", range(6))
def test_a_network_is_recognised_after_its_text_form(seed: int) -> None:
    edges = dict(zip(EDGES, Random(seed).choices(OPERATIONS, k=6), strict=True))
    network = nb201(written(edges), classes=100)
    assert recognise(network) == recognise(parse(print_module(network))) == canonical(written(edges))


def test_cells_of_one_form_are_one_network() -> None:
    rng = Random(1)
    for ops in rng.sample(list(product(OPERATIONS, repeat=6)), 12):
        network = nb201(arch(*ops))
        assert digest(SPACE.check(network)) == digest(nb201(recognise(network)))
        assert recognise(nb201(recognise(network))) == recognise(network)


def test_weights_that_are_shared_tell_cells_apart() -> None:
    # one convolution that is read twice, and two convolutions that are read once
    once = arch(CONV, NONE, SKIP, NONE, SKIP, SKIP)
    twice = arch(CONV, CONV, NONE, NONE, SKIP, SKIP)
    assert key_of(parse_edges(once)) != key_of(parse_edges(twice))


PAIR = nb201(arch(CONV, NONE, SKIP, CONV, NONE, SKIP))
"""Two convolutions of the input, added: %edges.0_1.* and %edges.0_3.* into %node3.add."""


POOLING = "avg_pool2d {kernel_size=3, stride=1, padding=1, count_include_pad=false}"


@pytest.mark.parametrize(
    ("script", "cell"),
    [
        ("replace %edges.0_1.conv with conv2d {out_channels=C, kernel_size=1, bias=false}", (POINT, CONV, NONE)),
        ("skip %x -> %edges.0_3.bn", (CONV, CONV, SKIP)),
        ("skip %edges.0_1.bn -> %node3.add", (CONV, CONV, "again")),
        (f"after %edges.0_1.bn insert {POOLING}", (CONV, CONV, POOL)),
    ],
)
def test_an_edit_that_stays_in_the_space_is_known(script: str, cell: tuple[str, str, str]) -> None:
    # node 1 and node 2 hold a convolution each; the third word says what else happens
    first, second, also = cell
    after = POOL if also == POOL else SKIP
    twice = arch(first, NONE, SKIP, second, SKIP, SKIP)
    wanted = twice if also == "again" else arch(first, second, NONE, SKIP if also == SKIP else NONE, after, SKIP)
    assert recognise(edited(PAIR, f"in @cell:\n{script}\n")) == canonical(wanted)


EXPECTED = "expected one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3"
PARTS = "relu, then conv2d {out_channels=C, bias=false} of kernel 1 or of kernel 3 with padding 1, then batch_norm"
REFUSED = {
    "in @cell:\nafter %edges.0_1.bn insert avg_pool2d {kernel_size=3, stride=1, padding=1}": f"""\
error: edge 0->1 holds avg_pool2d {{kernel_size=[3, 3], stride=[1, 1], padding=[1, 1]}}, which is no operation of nb201
  in @cell, %avg_pool2d, layer edges.0_1
  help: {EXPECTED}""",
    "in @cell:\ndelete %edges.0_3.bn\nreplace %edges.0_1.relu.relu with gelu": f"""\
error: edge 0->1 holds gelu, which is no operation of nb201
  in @cell, %edges.0_1.relu.gelu, layer edges.0_1.relu
  help: {EXPECTED}
error: edge 0->3 holds conv2d {{out_channels=C, kernel_size=[3, 3], padding=[1, 1], bias=false}}, which is no \
operation of nb201
  in @cell, %edges.0_3.conv, layer edges.0_3.conv
  help: {EXPECTED}; nor_conv is {PARTS}""",
    "in @cell:\nafter %node3.add insert relu": f"""\
error: %relu of @cell holds relu, which is no operation of nb201
  in @cell, %relu
  help: {EXPECTED}; nor_conv is {PARTS}""",
    "after %head.bn insert relu": """\
error: the network around @cell is not the skeleton of nb201
  help: leave the stem, the reductions and the head as they are; change the cell alone""",
}


@pytest.mark.parametrize("script", REFUSED)
def test_what_leaves_the_space_is_refused_by_edge(script: str) -> None:
    with pytest.raises(NascError) as caught:
        SPACE.check(edited(PAIR, f"{script}\n"))
    assert str(caught.value) == REFUSED[script]


def test_a_cell_of_too_many_operations_is_refused() -> None:
    deep = edited(nb201(arch(CONV, NONE, CONV, NONE, NONE, CONV)), f"in @cell:\nafter %edges.2_3.bn insert {POOLING}\n")
    with pytest.raises(NascError) as caught:
        recognise(deep)
    assert str(caught.value) == (
        "error: the cell needs more than four nodes with one operation an edge\n"
        "  help: each of nodes 1 to 3 may read each earlier node once, through one operation"
    )


def test_a_network_without_a_cell_is_refused() -> None:
    plain = parse("nasc 1\n\ngraph @main(%x: f32[N,3]) -> f32[N,3] {\n  %y = relu %x\n  return %y\n}\n")
    with pytest.raises(NascError) as caught:
        recognise(plain)
    assert str(caught.value) == (
        "error: the network has no block @cell\n  help: the space nb201 is the networks around such a block"
    )


def test_every_move_stays_in_the_space_and_follows_from_the_seed() -> None:
    for seed in range(8):
        rng, again = Random(seed), Random(seed)
        parent, same = SPACE.sample(rng), SPACE.sample(again)
        assert parent == same
        child = SPACE.mutate(parent.module, rng)
        assert child == SPACE.mutate(same.module, again)
        assert child.module is not parent.module
        assert SPACE.check(child.module) is child.module
        assert SPACE.apply(parent.module, child.text).module is child.module
        mixed = SPACE.cross(parent.module, child.module, rng)
        assert SPACE.write((), mixed.text).module is mixed.module
        one, other = (parse_edges(recognise(each.module)) for each in (parent, child))
        assert all(op in (one[edge], other[edge]) for edge, op in parse_edges(mixed.text).items())


def test_a_spot_is_an_edge_with_its_nodes() -> None:
    network = SPACE.check(nb201(arch(CONV, NONE, CONV, NONE, NONE, CONV)))
    spots = SPACE.spots(network)
    assert [spot.name for spot in spots] == ["0->1", "0->2", "1->2", "0->3", "1->3", "2->3"]
    assert {spot.name: len(spot.nodes) for spot in spots if spot.nodes} == {"0->1": 3, "1->2": 3, "2->3": 3}
    assert SPACE.mutate(network, Random(0), spots[5]).text.startswith("set 2->3 ")


def test_a_spot_that_changes_nothing_is_an_error() -> None:
    network = SPACE.check(nb201(arch(NONE, NONE, NONE, SKIP, NONE, NONE)))
    with pytest.raises(NascError) as caught:
        SPACE.mutate(network, Random(0), Spot("0->1"))
    assert str(caught.value) == (
        "error: edge 0->1 reaches no output, whatever it holds\n  help: change another edge first"
    )
    with pytest.raises(NascError) as caught:
        SPACE.mutate(network, Random(0), Spot("1->0"))
    assert str(caught.value) == (
        "error: '1->0' is no edge of a cell of nb201\n  help: expected one of: 0->1, 0->2, 1->2, 0->3, 1->3, 2->3"
    )


def test_the_text_of_a_cell() -> None:
    assert (
        SPACE.show(SPACE.check(nb201(BEST)), Spot("0->3"))
        == f"""\
{BEST}
0->1 nor_conv_3x3
0->2 nor_conv_3x3
1->2 nor_conv_3x3
0->3 skip_connect <- change this
1->3 nor_conv_3x3
2->3 nor_conv_3x3
"""
    )


@pytest.mark.parametrize("spot", [None, Spot("1->2")])
def test_answers_of_the_grammar_apply(spot: Spot | None) -> None:
    parent = SPACE.check(nb201(BEST))
    grammar = SPACE.grammar(parent, spot, changes=2, why=40)
    assert not LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(grammar))
    rules = read_rules(grammar)
    for seed in range(10):
        answer = draw_answer(rules, Random(seed))
        Lark(grammar).parse(answer)
        child = SPACE.apply(parent, answer, spot)
        assert child.module is not parent
        assert spot is None or child.text.startswith("set 1->2 ")


def test_children_of_the_grammar_are_cells() -> None:
    grammar = SPACE.child_grammar(())
    assert not LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(grammar))
    for seed in range(10):
        answer = draw_answer(read_rules(grammar), Random(seed))
        assert SPACE.write((), answer).text == answer.strip()


def test_answers_are_read_kindly() -> None:
    parent = SPACE.check(nb201(BEST))
    answer = "why: cheaper\n```\n- Set edge 0->1 to skip_connect.\n2->3: none\n```\n"
    assert SPACE.apply(parent, answer).text == "set 0->1 skip_connect\nset 2->3 none"
    assert SPACE.apply(parent, f"{BEST}\n").module is parent


def test_an_answer_that_cannot_be_read_says_what_would_be_right() -> None:
    parent = SPACE.check(nb201(BEST))
    with pytest.raises(NascError) as caught:
        SPACE.apply(parent, "set 0->1 conv_3x3\nset 3->1 none\nmake it better\nset 0->2 none\n", Spot("0->1"))
    assert (
        str(caught.value)
        == """\
<changes>:1:1: error: edge 0->1 cannot hold 'conv_3x3': it is no operation of nb201
  | set 0->1 conv_3x3
  | ^
  help: did you mean 'nor_conv_3x3'? expected one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3
<changes>:2:1: error: there is no edge 3->1
  | set 3->1 none
  | ^
  help: expected one of: 0->1, 0->2, 1->2, 0->3, 1->3, 2->3
<changes>:3:1: error: 'make it better' is no change
  | make it better
  | ^
  help: expected `set 0->1 nor_conv_3x3`
<changes>:4:1: error: edge 0->2 was not asked about
  | set 0->2 none
  | ^
  help: change edge 0->1"""
    )
    with pytest.raises(NascError) as caught:
        SPACE.apply(parent, "why: nothing to do\n")
    assert str(caught.value) == (
        "error: the answer changes nothing\n  help: expected a line such as `set 0->1 nor_conv_3x3`"
    )
    with pytest.raises(NascError) as caught:
        SPACE.write((), "no cell")
    assert str(caught.value) == (
        "error: the answer holds no cell\n"
        "  help: expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with an operation for each op"
    )


def test_a_name_or_a_model_opens_a_space() -> None:
    assert open_space("nb201") == SPACE
    around = open_space(f"nb201:{BEST}")
    assert (around.name, len(around.starts())) == (f"nb201:{BEST}", 1)
