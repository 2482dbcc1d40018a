"""Edits: what each does to the graph, what it says when it cannot, and the text it is written in."""

from collections.abc import Callable

import pytest

from nasc.grammar import print_node
from nasc.ir import Module, NascError, Node, checked, verify
from nasc.search import Delete, Insert, OpSpec, Repeat, apply_edits, edit_script, parse_edits, parse_script

Networks = Callable[[str], Module]

# What becomes of @main of the plain network: the lines that differ, without types, and those that went.
EFFECTS = {
    "set %conv1 kernel_size=5": (
        "%conv1 = conv2d %x {out_channels=16, kernel_size=5, padding=2, bias=false} #conv1",
        "",
    ),
    "set %conv1 kernel_size=5, padding=1": (
        "%conv1 = conv2d %x {out_channels=16, kernel_size=5, padding=1, bias=false} #conv1",
        "",
    ),
    "set %conv1 {dilation=2}": (
        "%conv1 = conv2d %x {out_channels=16, kernel_size=3, padding=2, dilation=2, bias=false} #conv1",
        "",
    ),
    "replace %relu1 with gelu {approximate=tanh}": ("%relu1 = gelu %bn1 {approximate=tanh} #relu1", ""),
    "replace %bn1 with group_norm {num_groups=8}": (
        "%bn1 = group_norm %conv1 {num_groups=8} #group_norm",
        "",
    ),
    "replace %layer1.0.conv1 with max_pool2d": (
        "%layer1.0.conv1 = max_pool2d %relu1 {kernel_size=3, stride=1, padding=1} #layer1.0.max_pool2d",
        "",
    ),
    "replace %layer1.0.add with maximum": (
        "%layer1.0.maximum = maximum %layer1.0.bn1, %relu1 #layer1.0\n"
        "%layer1.0.relu = relu %layer1.0.maximum #layer1.0",
        "layer1.0.add",
    ),
    "replace %layer1.0.relu with gelu": (
        "%layer1.0.gelu = gelu %layer1.0.add #layer1.0\n"
        "%pool = adaptive_avg_pool2d %layer1.0.gelu {output_size=1} #pool",
        "layer1.0.relu",
    ),
    "after %bn1 insert silu": ("%silu = silu %bn1\n%relu1 = relu %silu #relu1", ""),
    "insert conv2d {out_channels=16, kernel_size=1} after %layer1.0.bn1": (
        "%conv2d = conv2d %layer1.0.bn1 {out_channels=16, kernel_size=1} #layer1.0.conv2d\n"
        "%layer1.0.add = add %conv2d, %relu1 #layer1.0",
        "",
    ),
    "delete %bn1": ("%relu1 = relu %conv1 #relu1", "bn1"),
    "skip %conv1 -> %layer1.0.conv1": (
        "%add = add %layer1.0.conv1, %conv1 #layer1.0\n%layer1.0.bn1 = batch_norm %add #layer1.0.bn1",
        "",
    ),
    "repeat %layer1.0.conv1": (
        "%layer1.0.conv1_1 = conv2d %layer1.0.conv1 {out_channels=16, kernel_size=3, padding=1, bias=false}"
        " #layer1.0.conv1_1\n%layer1.0.bn1 = batch_norm %layer1.0.conv1_1 #layer1.0.bn1",
        "",
    ),
}


def plain(node: Node) -> str:
    return print_node(node, types=False, notes=False)


@pytest.mark.parametrize("line", EFFECTS)
def test_edit_changes_just_what_it_names(network: Networks, line: str) -> None:
    before = network("plain")
    after = apply_edits(before, parse_edits(line), {"model": "me"})
    old = {plain(node) for node in before.main.nodes}
    changed, gone = EFFECTS[line]
    assert "\n".join(plain(node) for node in after.main.nodes if plain(node) not in old) == changed
    left = {node.name for node in after.main.nodes}
    assert " ".join(node.name for node in before.main.nodes if node.name not in left) == gone
    assert checked(after).main.output_types == before.main.output_types


@pytest.mark.parametrize("line", EFFECTS)
def test_touched_nodes_say_why(network: Networks, line: str) -> None:
    (edit,) = parse_edits(line)
    after = apply_edits(network("plain"), [edit], {"model": "me", "prompt": "0123"})
    noted = [dict(node.notes) for node in after.main.nodes if node.notes]
    assert noted == [{"edit": str(edit), "model": "me", "prompt": "0123"}]


def test_second_edit_of_a_node_is_noted_too(network: Networks) -> None:
    edits = parse_edits("set %conv1 kernel_size=5\nset %conv1 dilation=2")
    node = apply_edits(network("plain"), edits).main.node("conv1")
    assert node.notes["edit"] == "set %conv1 kernel_size=5; set %conv1 dilation=2"


def test_types_stay_upstream_and_go_downstream(network: Networks) -> None:
    after = apply_edits(network("plain"), parse_edits("set %layer1.0.conv1 out_channels=24"))
    typed = [bool(node.types) for node in after.main.nodes]
    assert typed == [True] * 3 + [False] * 7
    assert after.main.output_types == network("plain").main.output_types


def test_edit_of_a_block_keeps_its_symbols(network: Networks) -> None:
    text = "in @basic:\nafter %bn1 insert conv2d {out_channels=C, kernel_size=1}\nskip %x -> %bn1\n"
    after = checked(apply_edits(network("blocks"), parse_edits(text)))
    assert plain(after.graph("basic").node("conv2d")) == (
        "%conv2d = conv2d %bn1 {out_channels=C, kernel_size=1} #conv2d"
    ).replace("%bn1", "%add")
    assert after.main.output_types == network("blocks").main.output_types


def test_calls_are_repeated_and_deleted(network: Networks) -> None:
    after = checked(apply_edits(network("blocks"), parse_edits("repeat %layer.1\ndelete %layer.0")))
    calls = [plain(node) for node in after.main.nodes if node.op.name == "call"]
    assert calls == [
        "%layer.1 = call @basic %stem #layer.1",
        "%layer.3 = call @basic %layer.1 #layer.3",
        "%layer.2 = call @basic %down #layer.2",
    ]


def test_block_without_calls_goes(network: Networks) -> None:
    after = apply_edits(network("blocks"), parse_edits("delete %layer.0\ndelete %layer.1\ndelete %layer.2"))
    assert [graph.name for graph in after.graphs] == ["main"]


def test_operand_that_nothing_reads_goes(network: Networks) -> None:
    text = "graph @basic(%x: f32[N,C,H,W]) -> f32[N,C,H,W] {\n  %relu1 = relu %x\n  return %relu1\n}\n"
    after = checked(apply_edits(network("blocks"), parse_edits(text)))
    assert [plain(node) for node in after.graph("basic").nodes] == ["%relu1 = relu %x #relu1"]


def test_whole_block_keeps_the_layers_that_stay(network: Networks) -> None:
    text = """why: wider kernels
graph @basic(%x: f32[N,C,H,W]) -> f32[N,C,H,W] {
  %conv1 = conv2d %x {out_channels=C, kernel_size=5, padding=2, bias=false}
  %bn1 = batch_norm %conv1
  %conv2 = conv2d %bn1 {out_channels=C, kernel_size=1}
  %sum = add %conv2, %x
  return %sum
}
"""
    script = parse_script(text)
    after = checked(apply_edits(network("blocks"), script.edits, {"model": "me"}))
    nodes = {node.name: node for node in after.graph("basic").nodes}
    assert script.why == "wider kernels"
    assert {name: node.path for name, node in nodes.items()} == {
        "conv1": "conv1", "bn1": "bn1", "conv2": "conv2d", "sum": "",
    }  # fmt: skip
    assert [name for name, node in nodes.items() if "edit" in node.notes] == ["conv1", "conv2", "sum"]


ERRORS = {
    "delete %layer1.0.add": ("nothing can take its place", "replace it"),
    "set %conv9 kernel_size=3": ("has no node %conv9", "did you mean 'conv1'?"),
    "set %conv1 kernal_size=3": ("no attribute 'kernal_size'", "did you mean 'kernel_size'?"),
    "set %conv1 kernel_size=3": ("changes nothing", "another value"),
    "set %x kernel_size=3": ("is an input", "name a node"),
    "set %conv1 kernel_size=0": ("cannot be 0", ">= 1"),
    "replace %relu1 with add": ("add takes 2 operands", "an op with 1 operand"),
    "replace %relu1 with relu": ("changes nothing", "another op"),
    "replace %relu1 with parameter": ("there is no op 'parameter'", ""),
    "after %bn1 insert gelux": ("there is no op 'gelux'", "did you mean 'gelu'?"),
    "after %bn1 insert conv2d {out_channels=8}": ("needs attribute 'kernel_size'", "add kernel_size="),
    "after %bn1 insert mul": ("does not take one operand", "skip %a -> %b"),
    "skip %fc -> %conv1": ("%fc comes after %conv1", "skip %conv1 -> %fc"),
    "skip %fc -> %fc": ("cannot skip to itself", "earlier"),
    "repeat %layer1.0.add": ("does not take one value", "one operand"),
    "in @mian:\ndelete %bn1": ("there is no graph @mian", "did you mean 'main'?"),
    "graph @main(%x: f32[N,3,8,8]) {\n  %y = relu %x\n  return %y\n}": (
        "inputs f32[N,3,8,8]",
        "interface stays",
    ),
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_cannot_be_applied_says_what_would_be_right(network: Networks, text: str) -> None:
    with pytest.raises(NascError) as caught:
        apply_edits(network("plain"), parse_edits(text))
    (found,) = caught.value.diagnostics
    message, hint = ERRORS[text]
    assert message in found.message
    assert hint in found.hint


def test_all_errors_come_at_once(network: Networks) -> None:
    with pytest.raises(NascError) as caught:
        apply_edits(network("plain"), parse_edits("delete %a\nset %conv1 stride=2\ndelete %b"))
    assert len(caught.value.diagnostics) == 2


SYNTAX = {
    "set %conv1": (1, 11),
    "frobnicate %x": (1, 1),
    "delete %bn1\nreplace %relu1 gelu": (2, 16),
    "skip %a": (1, 8),
    "set %c a=$x": (1, 12),
    "delete %bn1 and more": (1, 13),
    "in @main:\n  after %x insert conv2d {out_channels=3": (2, 41),
    "graph @b(%x: f32[N,3]) {\n  %y = relo %x\n  return %y\n}": (2, 8),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_syntax_errors_have_a_place(text: str) -> None:
    with pytest.raises(NascError) as caught:
        parse_edits(text)
    where = caught.value.diagnostics[0].where
    assert where is not None
    assert (where.line, where.column) == SYNTAX[text]
    assert "^" in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "why: no idea", "```\n```"])
def test_nothing_is_an_error(text: str) -> None:
    with pytest.raises(NascError, match="no edit"):
        parse_edits(text)


def test_answers_are_read_as_people_write_them() -> None:
    text = """Why:  it is too narrow

```
1. in @block:
- delete %bn1.
delete %bn1
  Insert relu6 after %x
repeat %y
repeat %y
// a comment
```
"""
    script = parse_script(text.replace("1. in", "in"))
    assert script.why == "it is too narrow"
    assert script.edits == (
        Delete("block", "bn1"),
        Insert("block", "x", OpSpec("relu6")),
        Repeat("block", "y"),
        Repeat("block", "y"),
    )


def test_script_round_trips() -> None:
    text = """set %a kernel_size=[3, 5], p=0.1, other=none, approximate=tanh
in @block:
replace %b with conv2d {out_channels=C*2, kernel_size=3, bias=false}
after %c insert dropout {p=0.5}
skip %x -> %y
delete %d
repeat %e.0
"""
    assert edit_script(parse_edits(text)) == text


def test_module_is_left_alone(network: Networks) -> None:
    before = network("plain")
    text = str(before)
    apply_edits(before, parse_edits("delete %bn1"))
    assert str(before) == text
    assert verify(before) == ()


def test_none_is_a_word_where_the_attribute_has_it(network: Callable[[str], Module]) -> None:
    module = apply_edits(network("plain"), parse_edits("replace %relu1 with gelu {approximate=none}"))
    assert module.main.node("relu1").op.attributes() == {"approximate": "none"}
