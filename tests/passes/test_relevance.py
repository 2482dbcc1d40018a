"""Relevance: layers in order, one call of the score, signs and means, rows, comments in the source."""

from collections.abc import Sequence

import pytest

from nasc.grammar import parse
from nasc.ir import Module, NascError
from nasc.passes import (
    Canonicalize,
    Outline,
    Relevance,
    annotate_source,
    inline,
    layers,
    normalised,
    relevance_table,
)
from nasc.tests.passes.networks import resnet, vit


class Score:
    """Keeps what it is asked; the score falls by the value of each masked node and starts at 1."""

    def __init__(self, values: dict[str, float], other: float = 0.0) -> None:
        self.values, self.other = values, other
        self.calls: list[Sequence[frozenset[str]]] = []

    def __call__(self, module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
        self.calls.append(masks)
        known = {node.name for node in module.main.nodes}
        assert all(mask <= known for mask in masks)
        return [1 - sum(self.values.get(name, self.other) for name in mask) for mask in masks]


def test_layers_are_breadth_first() -> None:
    graph = resnet((1, 1), 8, 32, 10).main
    paths = [layer.path for layer in layers(graph)]
    # The pool's two nodes share its path; the function `add` of a block is a layer of its own.
    assert paths[:6] == ["conv1", "bn1", "act1", "maxpool", "layer1.0.conv1", "layer1.0.add"]
    assert paths.index("layer2.0.conv1") < paths.index("layer2.0.downsample.0") < paths.index("layer2.0.bn1")
    assert [layer.nodes for layer in layers(graph) if layer.path == "pool"] == [
        ("pool.adaptive_avg_pool2d", "pool.flatten")
    ]
    assert sorted(name for layer in layers(graph) for name in layer.nodes) == sorted(n.name for n in graph.nodes)


def test_parameters_are_layers_and_constants_are_not() -> None:
    module = parse(
        """nasc 1
graph @main(%x: f32[N,4]) {
  %w = parameter {key="w", shape=[4]}
  %c = constant {key="c", shape=[4]}
  %a = add %x, %c
  %b = mul %a, %w
  return %b
}
"""
    )
    assert [layer.path for layer in layers(module.main)] == ["a", "w", "b"]


def test_one_call_with_the_empty_mask_first() -> None:
    score = Score({}, 0.5)
    module = resnet((1,), 8, 32, 10)
    Relevance(score)(module)
    (masks,) = score.calls
    assert masks[0] == frozenset()
    assert masks[1:] == [frozenset(layer.nodes) for layer in layers(module.main)]


def test_values_are_signed_shares_of_the_largest() -> None:
    assert normalised([0.5, -2.0, 0.0]) == [0.25, -1.0, 0.0]
    assert normalised([0.0, 0.0]) == [0.0, 0.0]
    assert normalised([]) == []
    module = Relevance(Score({"conv1": -0.2, "bn1": 0.1}))(resnet((1,), 8, 32, 10))
    notes = {node.name: node.notes["relevance"] for node in module.main.nodes}
    assert (notes["conv1"], notes["bn1"], notes["fc"]) == (-1.0, 0.5, 0.0)


def test_blocks_get_the_mean_and_calls_the_whole() -> None:
    module = Outline()(resnet((2, 2), 8, 32, 10))
    values = {"layer1.0.conv1": 0.1, "layer1.1.conv1": 0.2, "layer2.1.conv1": 0.6}
    after = Relevance(Score(values))(module)
    block = after.graph("basic_block")
    assert block.node("conv1").notes["relevance"] == pytest.approx(0.5)
    assert [after.main.node(name).notes["relevance"] for name in ("layer1.0", "layer1.1", "layer2.1")] == [
        pytest.approx(value / 0.6, abs=1e-4) for value in (0.1, 0.2, 0.6)
    ]
    assert [graph.name for graph in after.graphs] == [graph.name for graph in module.graphs]


def test_top_keeps_the_largest_and_old_notes_go() -> None:
    first = Relevance(Score({}, 0.3))(Canonicalize()(vit(1)))
    second = Relevance(Score({"head": -0.5, "norm": 0.2, "add": 0.1}), top=2)(first)
    assert {row.layer: row.relevance for row in relevance_table(second)} == {"norm": 0.4, "head": -1.0}


def test_rows_name_the_layer_and_its_place() -> None:
    module = Relevance(Score({"layer1.0.conv1": 0.1}))(Outline()(resnet((2, 2), 8, 32, 10)))
    rows = relevance_table(module)
    row = next(row for row in rows if row.layer == "@basic_block conv1")
    assert row.as_json() == {
        "graph": "basic_block",
        "layer": "@basic_block conv1",
        "node": "conv1",
        "op": "conv2d",
        "relevance": round(1 / 3, 4),
        "loc": "resnet.py:40:9",
    }
    assert sum(row.layer == "pool" for row in rows) == 1
    assert next(row.op for row in rows if row.layer == "layer1.0") == "@basic_block"


SOURCE = '''class Net(nn.Module):
    def forward(self, x):
        """One

        two."""
        x = self.stem(x)  # the stem
        x = self.a(self.b(x))
        text = """a
        b""" + str(x)
        y = x + \\
            self.c(x)
        return "# relevance: no comment" + y
'''
IR = """nasc 1
graph @main(%x: f32[N,4]) {
  %s = linear %x {out_features=4} #stem @{relevance=+0.5}
  %b = linear %s {out_features=4} #b @{relevance=-0.25}
  %a = linear %b {out_features=4} #a @{relevance=+1.0}
  %d = relu %a @{relevance=+0.1}
  %c = linear %d {out_features=4} #c @{relevance=+0.0}
  %e = relu %c @{relevance=+0.3}
  return %e
}
%s = "net/model.py":6:13
%b = "net/model.py":7:20
%a = "net/model.py":7:13
%d = "net/model.py":8:9
%c = "net/model.py":10:9
%e = "other/model2.py":2:9
"""


def test_comments_stand_behind_their_lines() -> None:
    lines = annotate_source(SOURCE, parse(IR), "model.py").split("\n")
    assert lines[5] == "        x = self.stem(x)  # the stem  # relevance: +0.5000"
    assert lines[6] == "        x = self.a(self.b(x))  # relevance: b -0.2500, a +1.0000"
    assert lines[8] == '        b""" + str(x)  # relevance: +0.1000'
    assert lines[10] == "            self.c(x)  # relevance: +0.0000"
    assert lines[11] == SOURCE.split("\n")[11]


def test_annotating_again_replaces() -> None:
    once = annotate_source(SOURCE, parse(IR), "model.py")
    assert annotate_source(once, parse(IR), "model.py") == once
    changed = annotate_source(once, parse(IR.replace("+0.5}", "+0.75}")), "model.py")
    assert changed == once.replace("# relevance: +0.5000", "# relevance: +0.7500")
    assert annotate_source(once, parse(IR.replace("net/model", "net/other")), "model.py") == SOURCE


def test_windows_line_ends_stay() -> None:
    text = annotate_source(SOURCE.replace("\n", "\r\n"), parse(IR), "model.py")
    assert text.replace("\r\n", "\n") == annotate_source(SOURCE, parse(IR), "model.py")
    assert text.count("\r\n") == SOURCE.count("\n")


def test_many_layers_of_one_line_are_summed_up() -> None:
    module = Relevance(Score({}, 0.2))(inline(Outline()(resnet((2, 2), 8, 32, 10))))
    text = annotate_source("\n" * 39 + "y = conv(x)\n", module, "resnet.py")
    assert text.endswith("(mean of 4 layers, +0.5000 to +0.5000)\n")


def test_what_is_no_python_is_an_error() -> None:
    with pytest.raises(NascError, match="the source is no Python"):
        annotate_source('"""open', parse(IR), "model.py")
