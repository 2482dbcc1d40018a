"""Legalize: random edits of networks, flat and outlined, end in modules that check and keep their interface."""

import pytest

from nasc.grammar import parse
from nasc.ir import Module, NascError, checked, digest, verify
from nasc.passes import Canonicalize, Legalize, Outline, inline
from nasc.tests.passes.edits import random_edit, untyped
from nasc.tests.passes.networks import SMALL

EDITS = 16


def start(name: str, form: str) -> Module:
    module = checked(Canonicalize()(SMALL[name]()))
    return Outline()(module) if form == "outlined" else module


@pytest.mark.parametrize("form", ["flat", "outlined"])
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("known", ["stale types", "no types", "before"])
def test_random_edits_are_repaired(name: str, form: str, known: str) -> None:
    before = start(name, form)
    refused: list[str] = []
    for seed in range(EDITS):
        text, edited = random_edit(before, seed)
        edited = edited if known == "stale types" else untyped(edited, before)
        try:
            after = Legalize(before=before if known == "before" else None)(edited)
        except NascError as error:
            refused.append(f"{text}: {error}")
            continue
        assert verify(after) == (), text
        assert inline(after).main.output_types == before.main.output_types, text
        for graph in after.graphs:
            old = before.graph(graph.name)
            assert (graph.inputs, graph.output_types) == (old.inputs, old.output_types), text
        assert Legalize()(after) is after, text
    assert len(refused) <= 1, "\n".join(refused)


@pytest.mark.parametrize("form", ["flat", "outlined"])
@pytest.mark.parametrize("name", SMALL)
def test_what_is_right_stays(name: str, form: str) -> None:
    module = start(name, form)
    assert Legalize()(module) is module


def test_new_nodes_have_paths_of_their_own_and_say_where_they_come_from() -> None:
    module = start("resnet", "flat")
    node = module.main.node("layer1.0.conv2")
    edited = module.main.with_nodes(
        [
            n if n is not node else type(n)(n.op.replace(out_channels=24), n.operands, n.results, (), n.path)
            for n in module.main.nodes
        ]
    )
    after = Legalize(before=module)(module.with_graph(edited))
    new = [n for n in after.main.nodes if n.notes.get("origin") == "legalize"]
    assert [(n.op.name, n.path, str(n.type)) for n in new] == [("conv2d", "adapt_1", "f32[N,16,8,8]")]
    assert {n.path for n in module.main.nodes} <= {n.path for n in after.main.nodes}


def test_nodes_out_of_order_are_put_in_order() -> None:
    module = start("vit", "flat")
    graph = module.main.with_nodes(reversed(module.main.nodes))
    assert digest(Legalize()(module.with_graph(graph))) == digest(module)


def test_a_cycle_is_no_order() -> None:
    text = "nasc 1\ngraph @main(%x: f32[N,4]) {\n  %a = add %x, %b\n  %b = relu %a\n  return %b\n}\n"
    with pytest.raises(NascError, match="%b is used before it is defined"):
        Legalize()(parse(text))


def test_without_batch_there_is_an_explanation() -> None:
    text = """nasc 1
graph @main(%x: f32[N,4,8]) -> f32[N,4,8] {
  %a = permute %x {dims=[1, 0, 2]}
  %b = sum %a {dim=[1]}
  return %b
}
"""
    with pytest.raises(NascError, match="keep the batch where it is"):
        Legalize()(parse(text))


def test_weights_that_are_values_keep_their_shape() -> None:
    text = """nasc 1
graph @main(%x: f32[N,4]) -> f32[N,6] {
  %a = linear %x {out_features=9} #a
  %w = parameter {key="w", shape=[6, 4]}
  %b = parameter {key="b", shape=[6]}
  %c = linear %a, %w, %b {out_features=6} #c
  return %c
}
"""
    after = Legalize()(parse(text))
    assert [node.op.name for node in after.main.nodes] == ["linear", "parameter", "parameter", "linear", "linear"]
    assert str(after.main.node("w").type) == "f32[6,4]"
