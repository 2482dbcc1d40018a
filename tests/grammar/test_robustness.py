"""Text that is cut, damaged, huge or hostile: an error that a person can read, never a crash."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.grammar import from_json, parse, parse_checked, parse_dim, parse_json, print_module, to_json
from nasc.ir import Diagnostic, Module, NascError
from nasc.tests.ir.strategies import modules

TEXT = """\
nasc 1 @{source="timm:resnet18"}

graph @main<C>(%x: f32[N,3,H,W], %y: f32[N,C,(H-1)//2,8]) -> f32[N,10] { // the entry
  %conv1 = conv2d %x {out_channels=C*2, kernel_size=[3, 5], bias=false} : f32[N,C*2,H-2,W-4] #conv1
  %a, %b = split %conv1 {sizes=[C, C], dim=1} : (f32[N,C,H-2,W-4], f32[N,C,H-2,W-4]) @{relevance=+0.5}
  %z = call @block %a, %b {K=C//2}
  return %z
}

%conv1 = "resnet.py":92:15
#layer1.0 : BasicBlock

graph @block<K>(%x: f32[], %y: f32[]) {
  %r = einsum %x, %y {equation="ab,\\"cd->\\u00e9"}
  return %r
}
"""
SIGNS = st.sampled_from([*'{}[]()<>,=:"#%@/\\\n\t .0a-+*\0é', "//", "inf", "9" * 30, "graph", "return"])


def outcome(text: str) -> Module | str:
    """Return the module, or the error as people read it."""
    try:
        return parse_checked(text)
    except NascError as error:
        return str(error)


def test_the_text_is_fine() -> None:
    assert parse(print_module(parse(TEXT))) == parse(TEXT)


def test_every_prefix_is_read_or_explained() -> None:
    for length in range(len(TEXT)):
        message = outcome(TEXT[:length])
        assert isinstance(message, Module) or "error: " in message


@pytest.mark.parametrize("end", [4, 40, 90, 140, 200, 260, 300, 330])
def test_what_is_cut_off_is_said_to_be(end: int) -> None:
    with pytest.raises(NascError) as caught:
        parse(TEXT[:end])
    assert caught.value.diagnostics[-1].code in ("truncated", "syntax")


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 6), SIGNS)
def test_every_damage_is_read_or_explained(place: int, gone: int, put: str) -> None:
    assert outcome(TEXT[:place] + put + TEXT[place + gone :])


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_is_explained(text: str) -> None:
    assert isinstance(outcome(text), str)
    assert isinstance(outcome(f"nasc 1\n\ngraph @main({text}) {{\n  return %x\n}}\n"), (str, Module))


def test_carets_stand_under_the_fault_whatever_the_line_holds() -> None:
    with pytest.raises(NascError) as caught:
        parse('nasc 1\n\ngraph @main(%x: f32[1]) {\n\t%é = einsum %x {equation="\u2028\x1b"} ! \n}\n')
    rows = str(caught.value).split("\n")
    assert "\x1b" not in rows[1]
    assert rows[1][rows[2].index("^")] == "!"


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    assert parse("\ufeff" + TEXT.replace("\n", "\r\n")) == parse(TEXT)


def test_ten_thousand_nodes() -> None:
    lines = [f"  %v{i} = relu %v{i - 1} : f32[N,8] #l{i}" for i in range(1, 10_001)]
    text = "nasc 1\n\ngraph @main(%v0: f32[N,8]) {\n" + "\n".join(lines) + "\n  return %v10000\n}\n"
    module = parse_checked(text)
    assert len(module.main.nodes) == 10_000
    assert print_module(module) == text.replace("{\n", "-> f32[N,8] {\n", 1)
    assert from_json(to_json(module)) == module


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "N" + ")" * 10_000,
        "-" * 10_000 + "N",
        "+".join(["N"] * 10_000),
    ],
)
def test_deep_sizes_are_read(text: str) -> None:
    assert parse_dim(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "//".join(["N", *"ABCD" * 2500]),
        "*".join(["(A+B+C+D+E+F+G+H)"] * 1000),
        "(" * 10_000,
        "9" * 10_000,
        "*".join(["99999999"] * 1000),
        "1//0",
        "0//(N-N)",
    ],
)
def test_sizes_beyond_all_measure_are_refused(text: str) -> None:
    with pytest.raises(NascError) as caught:
        parse_dim(text)
    assert len(str(caught.value)) < 600


def test_nested_divisions_do_not_explode() -> None:
    text = "N"
    for _ in range(40):
        text = f"(({text})//3+1)*(A+B+C+D)"
    with pytest.raises(NascError, match="too large"):
        parse_dim(text)


@settings(max_examples=50, deadline=None)
@given(modules(steps=3), st.integers(), st.sampled_from([None, -1, 10**30, "x", [], {}, 1.5, True]))
def test_damaged_json_is_explained(module: Module, seed: int, value: object) -> None:
    data = json.loads(json.dumps(to_json(module)))
    _damage(data, random.Random(seed), value)
    found: tuple[Diagnostic, ...] = ()
    try:
        from_json(data)
    except NascError as error:
        found = error.diagnostics
    assert all(finding.where is not None and ":$" in finding.where.file for finding in found)


def _damage(data: Any, chance: random.Random, value: object) -> None:
    """Put a value in the place of some other one."""
    while True:
        if isinstance(data, dict) and data:
            keys: list[Any] = list(data)
        elif isinstance(data, list) and data:
            keys = list(range(len(data)))
        else:
            return
        key = chance.choice(keys)
        inner = data[key]
        if not isinstance(inner, (dict, list)) or not inner or chance.random() < 0.2:
            data[key] = value
            return
        data = inner


def test_all_errors_of_json_at_once_with_their_places() -> None:
    data = {
        "nasc": 1,
        "entry": "mian",
        "graphs": [
            {
                "name": "main",
                "inputs": [{"name": "x", "type": "f32[N"}],
                "nodes": [
                    {"op": "reluu", "results": ["a"], "operands": "x"},
                    {"op": "conv2d", "results": [], "attributes": {"out_channels": 0, "kernel": 3}},
                    {"op": "linear", "results": ["b"], "attributes": {"out_features": "C*"}, "loc": {"line": -1}},
                ],
                "outputs": ["a"],
                "output": [],
            }
        ],
    }
    with pytest.raises(NascError) as caught:
        from_json(data, "model.json")
    rows = [row for row in str(caught.value).split("\n") if row.startswith("model.json")]
    assert rows == [
        "model.json:$.graphs[0].output: error: unknown key 'output'",
        "model.json:$.graphs[0].inputs[0].type: error: 'f32[N' is no type",
        "model.json:$.graphs[0].nodes[0].op: error: there is no op 'reluu'",
        "model.json:$.graphs[0].nodes[0].operands: error: expected a list, not a string",
        "model.json:$.graphs[0].nodes[1].results: error: a node has no results",
        "model.json:$.graphs[0].nodes[1].attributes: error: conv2d has no attribute 'kernel'",
        "model.json:$.graphs[0].nodes[1].attributes: error: conv2d needs attribute 'kernel_size'",
        "model.json:$.graphs[0].nodes[1].attributes: error: attribute 'out_channels' cannot be 0",
        "model.json:$.graphs[0].nodes[2].attributes.out_features: error: 'C*' is no size",
        "model.json:$.graphs[0].nodes[2].loc.line: error: expected an integer >= 0, not a number",
        "model.json:$.graphs[0].nodes[2].loc.file: error: expected a string, not nothing",
        "model.json:$.entry: error: the entry 'mian' is no graph",
    ]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]", "null", '{"nasc": 2}', "9" * 5000])
def test_json_text_that_is_none_of_ours(text: str) -> None:
    with pytest.raises(NascError):
        parse_json(text)
