"""NADER text to the IR and back is the same network, and what the language cannot say is said, all of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.backends import emit_nader
from nasc.frontends.nader import lower_blocks
from nasc.grammar import parse_checked, parse_nader
from nasc.ir import Module, NascError, digest, f32
from nasc.passes import Canonicalize, inline

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/nader/cannot_be_said.txt"
# Operations that keep [B,C,H,W], and those of more operands that do.
UNARY = (
    "ReLU", "GELU", "Sigmoid", "BN", "softmax(dim=1)", "Conv2d(C,3)", "Conv2d(C,2,1,2)", "Conv2d(C,(1,4),groups=C)",
    "MaxPool2d(3,1)", "AvgPool2d(2,1)", "reshape(B,C,H,W)", "permute(0,1,2,3)", "repeat(1,1,1,1)",
    "Conv2d(out_channels=dim,kernel_size=5,groups=1)",
)  # fmt: skip
NARROW = ("mean(dim=1)", "max(dim=(2,3))", "sum(dim=-1)", "AdaptiveAvgPool2d(1)", "AdaptiveMaxPool2d((1,1))")
CHAINS = (
    ("permute(0,2,3,1)", "LN", "Linear(C*4)", "Linear(C)", "permute(0,3,1,2)"),
    ("Conv2d(C/2,1)", "GELU", "Conv2d(C,1)"),
    ("reshape(B,C,-1)", "Multiply", "reshape(B,C,H,W)"),
)


@st.composite
def blocks(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """A base block: a random graph of operations, all of which the output reads."""
    lines, edges, unread, values = ["0:input", "1:output"], [], ["0"], ["0"]

    def node(operation: str, *operands: str) -> str:
        index = str(len(lines))
        lines.append(f"{index}:{operation}")
        edges.append(f"{','.join(operands)}->{index}")
        unread[:] = [i for i in unread if i not in operands] + [index]
        return index

    for _ in range(draw(st.integers(1, 6))):
        one, other = draw(st.sampled_from(values)), draw(st.sampled_from(values))
        kind = draw(st.sampled_from(("unary", "narrow", "chain", "sum", "concat")))
        if kind == "unary":
            value = node(draw(st.sampled_from(UNARY)), one)
        elif kind == "narrow":
            value = node("Mul", node(draw(st.sampled_from(NARROW)), one), other)
        elif kind == "chain":
            value = one
            for step in draw(st.sampled_from(CHAINS)):
                square = node("permute(0,2,1)", value) if step == "Multiply" else ""
                value = node(step, value, node("Multiply", square, value)) if square else node(step, value)
        elif kind == "sum":
            value = node(draw(st.sampled_from(("Add", "Mul"))), one, other, one)
        else:
            value = node("Conv2d(C,1)", node("concat(dim=1)", one, other))
        values.append(value)
    last = node("Add", *unread) if len(unread) > 1 else unread[0]
    return "\n".join(("##random##", *lines, *edges, f"{last}->1"))


def again(module: Module) -> Module:
    return parse_nader(emit_nader(module))


@settings(max_examples=40, deadline=None)
@given(blocks())
def test_random_blocks_come_back(text: str) -> None:
    module = parse_nader(text)
    assert digest(again(module)) == digest(module)


def test_blocks_of_the_paper_come_back(blocks: str) -> None:
    module = parse_nader(blocks)
    back = again(module)
    assert [graph.name for graph in back.graphs] == [graph.name for graph in module.graphs]
    for graph, other in zip(module.graphs, back.graphs, strict=True):
        assert digest(Module((graph,), graph.name)) == digest(Module((other,), other.name))


def test_a_network_comes_back_with_its_skeleton(blocks: str) -> None:
    module = parse_nader(blocks, settings={"widths": (8, 12), "depths": (1, 2), "classes": 7, "size": (20, 12)})
    text = emit_nader(module)
    assert text.endswith("##skeleton##\nwidths=[8,12]\ndepths=[1,2]\nclasses=7\nsize=[20,12]\n")
    assert digest(parse_nader(text)) == digest(module)


def test_a_graph_with_numbers_for_sizes_is_opened() -> None:
    text = (ROOT / "tests/nader/blocks/bottleneck.txt").read_text(encoding="utf-8")
    closed = lower_blocks([(text, "bottleneck.txt")], {}, [f32(1, 64, 24, 16)])
    alone = Module(closed.graphs[:1], closed.entry)
    assert emit_nader(alone) == emit_nader(Module(parse_nader(text).graphs[:1], closed.entry))


def test_cropping_nothing_is_nothing() -> None:
    """Of sizes that the stride divides nothing is cropped: the canonical network has no slices."""
    module = parse_nader((ROOT / "examples/blocks.txt").read_text(encoding="utf-8"))
    ops = [node.op.name for node in Canonicalize(train=True)(inline(module)).main.nodes]
    assert "slice" not in ops
    assert ops.count("conv2d") == 1 + 3 * 2 * 2 + 2 * 3


CANNOT = """\
nasc 1

graph @b(%x: f32[N,C,H,W], %y: f32[N,C,H,W]) -> f32[N,C,H,W] {
  %a = add %x, %y
  return %a
}

graph @c(%x: f32[N,C,H,W]) -> f32[N,C,H,W] {
  %conv = conv2d %x {out_channels=C, kernel_size=3, padding=1, bias=false} #conv
  %bn = batch_norm %conv {eps=0.001, affine=false} #bn
  %silu = silu %bn
  %even = conv2d %silu {out_channels=C, kernel_size=2, padding=1} #even
  %pool = avg_pool2d %even {kernel_size=2, stride=1, ceil_mode=true}
  %twice = mul %pool {other=2}
  %mean = mean %twice {dim=1}
  %back = unsqueeze %mean {dim=1}
  %sum = add %back, %x
  return %sum
}
%conv = "net.py":7:3

graph @d(%x: f32[N,8,6,6]) -> f32[N,8,6,6] {
  %flat = reshape %x {shape=[-1, 48, 6]}
  %up = reshape %flat {shape=[-1, 8, 6, 6]}
  return %up
}
"""


def test_every_reason_is_told_at_its_node() -> None:
    with pytest.raises(NascError) as caught:
        emit_nader(parse_checked(CANNOT))
    told = caught.value.render() + "\n"
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")
