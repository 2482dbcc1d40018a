"""The digest does not see names, notes, source lines or the order of nodes; it sees everything that computes."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.grammar import parse
from nasc.ir import Graph, Input, Module, Node, digest, rename_values
from nasc.tests.ir.strategies import modules

BLOCK = """\
nasc 1

graph @main(%x: f32[N,8,8,8], %y: f32[N,8,8,8]) {{
  %a = conv2d %x {{out_channels=8, kernel_size=3, padding=1}}
  %b = relu %a
  %c = {last}
  return %c
}}
"""


def renamed(graph: Graph) -> Graph:
    names = {name: f"v{i}" for i, name in enumerate(graph.value_names())}
    return replace(
        graph,
        inputs=tuple(Input(names[value.name], value.type) for value in graph.inputs),
        nodes=rename_values(graph.nodes, names),
        outputs=tuple(names[name] for name in graph.outputs),
    )


def shuffled(graph: Graph, seed: int) -> Graph:
    """Return the graph with its nodes in another topological order."""
    chance = random.Random(seed)
    known = {value.name for value in graph.inputs}
    waiting = list(graph.nodes)
    order: list[Node] = []
    while waiting:
        node = chance.choice([node for node in waiting if known.issuperset(node.operands)])
        waiting.remove(node)
        known.update(node.results)
        order.append(node)
    return graph.with_nodes(order)


@settings(max_examples=40, deadline=None)
@given(modules(), st.integers())
def test_names_notes_and_order_do_not_count(module: Module, seed: int) -> None:
    graphs = tuple(shuffled(renamed(graph), seed) for graph in module.graphs)
    bare = tuple(
        graph.with_nodes(replace(node, notes={}, loc=None, path="") for node in graph.nodes) for graph in graphs
    )
    assert digest(Module(bare, module.entry)) == digest(module)


def test_operands_of_commutative_ops_have_no_order() -> None:
    assert digest(parse(BLOCK.format(last="add %b, %y"))) == digest(parse(BLOCK.format(last="add %y, %b")))
    assert digest(parse(BLOCK.format(last="sub %b, %y"))) != digest(parse(BLOCK.format(last="sub %y, %b")))


@pytest.mark.parametrize("last", ["mul %b, %y", "add %a, %y", "add %b, %x", "add %b {other=1}", "relu %b"])
def test_what_computes_counts(last: str) -> None:
    assert digest(parse(BLOCK.format(last=last))) != digest(parse(BLOCK.format(last="add %b, %y")))


def test_attributes_and_sizes_count() -> None:
    text = BLOCK.format(last="add %b, %y")
    same = {digest(parse(text)), digest(parse(text.replace("padding=1", "padding=[1, 1], bias=true")))}
    assert len(same) == 1
    assert digest(parse(text.replace("f32[N,8,8,8]", "f32[N,8,9,9]"))) not in same
    assert digest(parse(text.replace("padding=1", "padding=1, bias=false"))) not in same


def test_dead_nodes_do_not_count() -> None:
    text = BLOCK.format(last="add %b, %y")
    assert digest(parse(text.replace("  return", "  %dead = relu %c\n  return"))) == digest(parse(text))


def test_a_shared_value_is_not_one_computed_twice() -> None:
    shared = BLOCK.format(last="add %b, %b")
    twice = shared.replace("%c = add %b, %b", "%d = relu %a\n  %c = add %b, %d")
    assert digest(parse(shared)) != digest(parse(twice))
