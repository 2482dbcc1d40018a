"""parse(print(m)) == m and from_json(to_json(m)) == m, for every op and for random modules."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.grammar import (
    from_json,
    highlight,
    parse,
    parse_checked,
    parse_dim,
    parse_json,
    parse_type,
    print_graph,
    print_module,
    print_node,
    to_json,
)
from nasc.ir import OPS, Graph, Input, Loc, Module, Node, build, f32, symbol
from nasc.tests.ir.samples import Sample, samples
from nasc.tests.ir.strategies import TEXTS, dims, modules, types


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_every_op_is_read_as_printed(sample: Sample) -> None:
    text = print_module(sample.module)
    assert parse(text) == sample.module
    assert print_node(replace(sample.node, types=())).endswith(sample.text)


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_every_op_survives_json(sample: Sample) -> None:
    assert parse_json(json.dumps(to_json(sample.module), allow_nan=False)) == sample.module


@settings(max_examples=60, deadline=None)
@given(modules())
def test_modules_are_read_as_printed(module: Module) -> None:
    text = print_module(module)
    assert parse(text) == module
    assert print_module(parse(text)) == text


@settings(max_examples=40, deadline=None)
@given(modules())
def test_modules_survive_json(module: Module) -> None:
    assert from_json(json.loads(json.dumps(to_json(module), allow_nan=False))) == module


@settings(max_examples=60, deadline=None)
@given(modules())
def test_highlighting_keeps_the_text(module: Module) -> None:
    text = print_module(module)
    assert "".join(piece for piece, _ in highlight(text)) == text


@settings(max_examples=60, deadline=None)
@given(modules(decorated=False))
def test_types_can_be_left_out(module: Module) -> None:
    text = print_module(module, types=False)
    bare = parse(text)
    assert all(not node.types for graph in bare.graphs for node in graph.nodes)
    assert parse_checked(text) == module


@given(dims())
def test_sizes_are_read_as_printed(dim: object) -> None:
    assert parse_dim(str(dim)) == dim


@given(types())
def test_types_are_read_as_printed(type: object) -> None:
    assert parse_type(str(type)) == type


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_name_survives(value: str, path: str, cls: str, file: str) -> None:
    node = Node(OPS["relu"](), ("x",), (value or "r",), path=path, loc=Loc(file, 3, 0))
    graph = Graph(cls or "g", (Input("x", f32(1)),), (node,), (value or "r",), scopes={path: cls})
    module = Module((graph,), graph.name, {value: cls})
    assert parse(print_module(module)) == module
    assert from_json(to_json(module)) == module


def test_the_entry_is_printed_first() -> None:
    block = Graph("block", (Input("x", f32(symbol("N"))),), (), ("x",))
    module = Module((block, replace(block, name="main")), "main")
    assert print_module(module).index("@main") < print_module(module).index("@block")
    assert parse(print_module(module)) == module


@given(st.floats())
def test_floats_keep_every_bit(number: float) -> None:
    op = build(OPS["full"], {"shape": [], "value": number})
    graph = Graph("main", (), (Node(op, (), ("r",)),), ("r",))
    module = Module((graph,), "main")
    assert parse(print_module(module)) == module


def test_prompts_can_leave_out_what_is_long() -> None:
    op = build(OPS["constant"], {"key": "k", "shape": [1], "data": "a" * 1000})
    node = Node(op, (), ("r",), (f32(1),), loc=Loc("m.py", 1), notes={"score": 0.5})
    module = Module((Graph("main", (), (node,), ("r",), scopes={"a": "B"}),), "main", {"source": "m.py"})
    text = print_module(module, types=False, locations=False, notes=False, longest=8)
    assert text == (
        'nasc 1\n\ngraph @main() {\n  %r = constant {key="k", shape=[1], data="aaaaaaaa..."}\n  return %r\n}\n'
    )
    assert print_graph(module.main).endswith('%r = "m.py":1\n#a : B')


def test_a_block_without_a_name_survives_json() -> None:
    text = 'nasc 1\ngraph @main(%x: f32[2]) {\n  %y = call @"" %x\n  return %y\n}\n'
    module = parse(text + 'graph @""(%x: f32[2]) {\n  %y = relu %x\n  return %y\n}\n')
    assert from_json(to_json(module)) == module
