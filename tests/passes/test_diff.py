"""Semantic diff: what is an edit and what follows from one, how edits are told, and that scripts are short."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from xml.dom.minidom import parseString

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.grammar import parse
from nasc.ir import Builder, Graph, Module, Node, build, f32, symbol
from nasc.ir.ops import OPS
from nasc.passes.diffing import as_data, as_html, as_svg, as_text, diff, sections
from nasc.tests.ir.strategies import modules
from nasc.tests.passes.networks import SMALL, densenet, resnet, vit
from nasc.tests.passes.random_edits import edited, network, shuffled


def chain(*ops: str, batch: str = "N", channels: int = 8) -> Module:
    """A network of unary ops: `conv3`, `conv5`, `bn`, or the name of an op without attributes."""
    b = Builder()
    x = b.input("x", f32(symbol(batch), channels, 8, 8))
    for place, op in enumerate(ops):
        if op.startswith("conv"):
            kernel = int(op[4:])
            x = b("conv2d", x, out_channels=8, kernel_size=kernel, padding=kernel // 2, path=f"body.{place}")
        else:
            x = b({"bn": "batch_norm"}.get(op, op), x, path=f"body.{place}")
    return Module((b.finish(x),))


def kinds(before: Module, after: Module) -> list[str]:
    return [f"{entry.kind} {entry.op}" for entry in diff(before, after).entries]


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_a_network_equals_itself(make: Callable[[], Module]) -> None:
    found = diff(make(), make())
    assert found.equal
    assert not found.renamed
    assert "the same network" in as_text(found)


@settings(max_examples=25, deadline=None)
@given(modules(), st.integers(0, 2**32))
def test_any_module_equals_itself_renamed(module: Module, seed: int) -> None:
    assert diff(module, module).equal
    assert diff(module, replace(module, graphs=tuple(_renamed(g, seed) for g in module.graphs))).equal


def _renamed(graph: Graph, seed: int) -> Graph:
    from nasc.ir import rename_values

    names = {name: f"n{seed}_{i}" for i, name in enumerate(graph.value_names())}
    inputs = tuple(replace(value, name=names[value.name]) for value in graph.inputs)
    return replace(
        graph, inputs=inputs, nodes=rename_values(graph.nodes, names), outputs=tuple(names[o] for o in graph.outputs)
    )


@pytest.mark.parametrize("seed", range(10))
def test_names_and_order_do_not_matter(seed: int) -> None:
    r = Random(seed)
    module = network(60, r)
    assert diff(module, Module((shuffled(module.main, r),))).equal


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("conv3", "bn", "gelu"), ("conv5", "bn", "gelu"), ["changed conv2d"]),
        (("conv3", "bn", "gelu"), ("conv3", "gelu"), ["deleted batch_norm"]),
        (("conv3", "gelu"), ("conv3", "bn", "gelu"), ["inserted batch_norm"]),
        (("conv3", "gelu", "conv5"), ("conv3", "silu", "conv5"), ["changed silu"]),
        (("conv3", "conv3", "gelu"), ("conv3", "conv3", "conv3", "gelu"), ["inserted conv2d"]),
        (("bn", "conv3", "gelu", "conv5"), ("conv3", "gelu", "conv5", "bn"), ["moved batch_norm"]),
        (("conv3", "gelu"), (), ["deleted conv2d", "deleted gelu"]),
        ((), ("conv3",), ["inserted conv2d"]),
    ],
)
def test_each_edit_is_one_entry(before: tuple[str, ...], after: tuple[str, ...], expected: list[str]) -> None:
    assert kinds(chain(*before), chain(*after)) == expected


def test_attributes_are_reported_one_by_one() -> None:
    (entry,) = diff(chain("conv3", "bn"), chain("conv5", "bn")).entries
    assert [(c.attribute, c.before, c.after) for c in entry.changes] == [
        ("kernel_size", "3", "5"),
        ("padding", "1", "2"),
    ]
    assert entry.params == (25 - 9) * 8 * 8
    assert not entry.rewired


def test_consequences_are_no_edits() -> None:
    """Twice as many channels in the stem change the types of everything below, and only one attribute."""
    text = """\
nasc 1

graph @main(%x: f32[N,3,8,8]) -> f32[N,10] {
  %conv1 = conv2d %x {out_channels=8, kernel_size=3, padding=1} #conv1
  %bn = batch_norm %conv1 #bn
  %conv2 = conv2d %bn {out_channels=8, kernel_size=3, padding=1} #conv2
  %pool = adaptive_avg_pool2d %conv2 {output_size=1}
  %flat = flatten %pool {start_dim=1}
  %fc = linear %flat {out_features=10} #fc
  return %fc
}
"""
    found = diff(parse(text), parse(text.replace("=8", "=16", 1)))
    (entry,) = found.entries
    assert entry.after is not None
    assert entry.after.path == "conv1"
    assert [c.attribute for c in entry.changes] == ["out_channels"]
    before, after = found.costs
    assert after.params - before.params == 8 * 27 + 8 + 2 * 8 + 8 * 8 * 9


def test_the_batch_may_have_another_name() -> None:
    assert diff(chain("conv3"), chain("conv3", batch="B")).equal


def test_another_input_is_a_change() -> None:
    (entry,) = diff(chain("conv3", "bn"), chain("conv3", "bn", channels=4)).entries
    assert (entry.kind, entry.op) == ("changed", "input")
    assert entry.changes[0].after == "f32[N,4,8,8]"


def test_operands_of_ops_that_do_not_commute() -> None:
    def two(op: str, flip: bool) -> Module:
        b = Builder()
        x = b.input("x", f32(symbol("N"), 8))
        y, z = b("gelu", x), b("silu", x)
        return Module((b.finish(b(op, *((z, y) if flip else (y, z)))),))

    assert diff(two("add", False), two("add", True)).equal
    (entry,) = diff(two("sub", False), two("sub", True)).entries
    assert (entry.kind, entry.op, entry.rewired) == ("moved", "sub", True)


def test_renamed_layers_are_told_and_are_the_same_network() -> None:
    module = resnet((2, 1), 16, 32, 10)
    nodes = [replace(n, path=n.path.replace("layer1", "stages.0")) for n in module.main.nodes]
    found = diff(module, Module((module.main.with_nodes(nodes),)))
    assert found.equal
    assert [(r.before, r.after) for r in found.renamed] == [("layer1", "stages.0")]
    assert "renamed" in as_text(found)


def test_repeats_are_told_once() -> None:
    module = vit(12)
    nodes = [_approximate(n) if n.path.endswith("mlp.act") else n for n in module.main.nodes]
    found = diff(module, Module((module.main.with_nodes(nodes),)))
    assert len(found.entries) == 12
    (section,) = sections(found)
    assert (section.blocks, section.cls, section.count) == ("blocks.[0-11].mlp", "Mlp", 12)
    (line,) = section.lines
    assert line.layer == "act"
    assert 'approximate "none" -> "tanh"' in line.text
    assert "x12" in as_text(found)


def _approximate(node: Node) -> Node:
    return replace(node, op=node.op.replace(approximate="tanh"))


def test_a_block_is_inserted_whole() -> None:
    found = diff(resnet((3, 3), 16, 32, 10), resnet((3, 4), 16, 32, 10))
    assert {entry.kind for entry in found.entries} == {"inserted"}
    assert [section.blocks for section in sections(found)] == ["layer2.3"]


def test_a_removed_dense_layer_does_not_move_the_others() -> None:
    """Every later layer reads one feature map less, which follows from the removal."""
    before = densenet((5,))
    gone = "features.denseblock1.denselayer3"
    nodes = [
        replace(n, operands=tuple(o for o in n.operands if not o.startswith(gone)), types=())
        for n in before.main.nodes
        if not n.path.startswith(gone)
    ]
    found = diff(before, Module((replace(before.main, nodes=tuple(nodes)),)))
    assert Counter(entry.kind for entry in found.entries) == {"deleted": 7}


def test_scores_come_from_the_function_given() -> None:
    found = diff(chain("conv3"), chain("conv5"), lambda given: [float(len(given)), 2.5])
    assert found.scores == (2.0, 2.5)
    assert "predicted score 2.0000 -> 2.5000 (+0.5000)" in as_text(found)
    assert as_data(found)["score"] == {"before": 2.0, "after": 2.5}


def test_nothing_breaks_out_of_a_page_or_a_terminal() -> None:
    evil = '"><script>alert(1)</script>\x1b[31m'
    before, after = chain("conv3"), chain("conv5")
    node = after.main.nodes[0]
    renamed = replace(node, path=evil, results=(evil,))
    after = Module((replace(after.main, nodes=(renamed,), outputs=(evil,)),))
    found = diff(before, after)
    page = as_html(found, (evil, evil))
    assert "<script" not in page
    assert "&lt;script" in page
    parseString(as_svg(found, (evil, evil)))
    assert "\x1b" not in as_text(found, (evil, evil)) + page


def test_the_drawing_leaves_out_what_is_the_same() -> None:
    picture = as_svg(diff(chain(*["conv3", "bn"] * 20), chain(*["conv3", "bn"] * 10, "gelu", *["conv3", "bn"] * 10)))
    assert picture.count("<rect") - 1 < 12
    assert "nodes alike" in picture


def test_deep_networks_need_no_recursion() -> None:
    before, after = chain(*["conv3", "bn"] * 700), chain("gelu", *["conv3", "bn"] * 700, "silu")
    assert len(before.main.nodes) > sys.getrecursionlimit()
    assert kinds(before, after) == ["inserted gelu", "inserted silu"]
    assert len(diff(before, chain("gelu")).entries) == 1400 + 1


def test_many_readers_of_one_value() -> None:
    def wide(op: str) -> Module:
        b = Builder()
        x = b.input("x", f32(symbol("N"), 8))
        shared = b("parameter", key="shared", shape=(8,))
        for place in range(400):
            x = b(op if place == 200 else "gelu", b("add", x, shared))
        return Module((b.finish(x),))

    (entry,) = diff(wide("gelu"), wide("silu")).entries
    assert entry.kind == "changed"


@pytest.mark.parametrize("sizes", [(8, 16), (10, 60)])
def test_scripts_are_no_longer_than_the_edits(sizes: tuple[int, int]) -> None:
    """The law of the benchmark, on fewer cases: k random edits make at most k entries, 95 times in 100."""
    longer = 0
    for seed in range(40):
        r = Random(1000 + seed)
        module = network(r.randint(*sizes), r)
        longer += len(diff(module, edited(module, 1 + seed % 5, r)).entries) > 1 + seed % 5
    assert longer <= 2


def test_edits_that_overlap_are_told_apart() -> None:
    """An op replaced where its operands change too is one entry, and no far node is taken in its place."""

    def net(last: Callable[[Builder, str], str]) -> Module:
        b = Builder()
        x = b.input("x", f32(symbol("N"), 8, 8, 8))
        y = b("sigmoid", b("conv2d", x, out_channels=8, kernel_size=3, padding=1))
        z = b("gelu", b("conv2d", last(b, y), out_channels=8, kernel_size=1))
        return Module((b.finish(b("add", z, y)),))

    before = net(lambda b, y: b("silu", b("avg_pool2d", y, kernel_size=3, stride=1, padding=1)))
    after = net(lambda b, y: b("mul", y, "x"))
    assert kinds(before, after) == ["deleted avg_pool2d", "changed mul"]


@settings(max_examples=20, deadline=None)
@given(modules(decorated=False), modules(decorated=False))
def test_unlike_networks_have_a_script(before: Module, after: Module) -> None:
    """Whatever the networks: every node is matched, deleted or inserted, exactly once."""
    found = diff(before, after)
    counts = Counter(entry.kind for entry in found.entries if entry.op != "input")
    assert len(found.pairs) + counts["deleted"] == len(found.before.main.nodes)
    assert len(found.pairs) + counts["inserted"] == len(found.after.main.nodes)
    assert as_html(found)
    parseString(as_svg(found))


def test_every_change_of_an_op_is_seen() -> None:
    op = build(OPS["conv2d"], {"out_channels": 8, "kernel_size": 3})
    from nasc.passes.diffing.entries import op_changes

    assert op_changes(op, op) == ()
    assert [c.attribute for c in op_changes(op, op.replace(groups=2, bias=False))] == ["groups", "bias"]
