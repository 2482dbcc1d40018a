"""Passes of torch.fx: what they note adds up, what they fuse computes the same."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import fx, nn

from nasc.adapters.torch_fx import BLOCK, COST, RELEVANCE, CheckPass, CostPass, OutlinePass, RelevancePass
from nasc.ir import Module, NascError
from nasc.passes import cost


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.ReLU()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> Any:
        return self.act(self.act(self.conv(x)) * self.scale + x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.blocks = nn.ModuleList(Block(4) for _ in range(3))
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


X = torch.randn(2, 3, 5, 5)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


@pytest.mark.parametrize("how", ["traced", "exported"])
def test_costs_add_up_to_those_of_the_model(net: Net, how: str) -> None:
    one = X[:1]
    graph = fx.symbolic_trace(net) if how == "traced" else torch.export.export(net, (one,)).module()
    assert isinstance(graph, fx.GraphModule)
    costs = CostPass(one)
    assert costs(graph) == (graph, True)
    notes = [node.meta[COST] for node in graph.graph.nodes if COST in node.meta]
    assert sum(note["params"] for note in notes) == sum(p.numel() for p in net.parameters())
    conv = 4 * 4 * 9 * 25
    assert sorted(note["macs"] for note in notes if note["macs"]) == [2 * 4, 3 * 4 * 25, conv, conv, conv]


def test_fused_blocks_compute_the_same(net: Net) -> None:
    graph = fx.symbolic_trace(net)
    expected = graph(X)
    OutlinePass(X)(graph)
    marked = {node.name: node.meta[BLOCK] for node in graph.graph.nodes if BLOCK in node.meta}
    assert set(marked.values()) == {("block", "blocks.0"), ("block", "blocks.1"), ("block", "blocks.2")}
    assert marked["blocks_1_act_1"] == ("block", "blocks.1")
    result = OutlinePass(X, fuse=True)(graph)
    assert result is not None
    assert result.modified
    calls = result.graph_module.graph.find_nodes(op="call_module")
    assert [node.meta.get(BLOCK) for node in calls] == [None, *(("block", f"blocks.{i}") for i in range(3)), None]
    assert torch.equal(result.graph_module(X), expected)


def test_relevance_masks_each_node_once(net: Net) -> None:
    graph = fx.symbolic_trace(net)
    asked: list[frozenset[str]] = []

    def score(module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
        asked.extend(masks)
        macs = {row.name: row.macs for row in cost(module).nodes}
        return [float(-sum(macs[name] for name in mask)) for mask in masks]

    RelevancePass(score, X)(graph)
    found = {node.name: node.meta[RELEVANCE] for node in graph.graph.nodes if RELEVANCE in node.meta}
    assert asked[0] == frozenset()
    assert len(asked) == len(found) + 1 == len(set(asked))
    assert found["blocks_0_conv"] == 1.0
    assert found["head"] == round(8 / 3600, 4)
    assert found["blocks_0_act"] == 0.0


def test_what_is_wrong_names_the_node(net: Net) -> None:
    graph = fx.symbolic_trace(net)
    with pytest.raises(NascError, match="@main has 482 parameters"):
        CheckPass(X, max_params=100)(graph)

    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return torch.linalg.eigvals(x + 1)

    with pytest.raises(NascError) as caught:
        CheckPass(torch.eye(3))(fx.symbolic_trace(Odd()))
    assert str(caught.value.diagnostics[0].where) == "torch.fx node linalg_eigvals"
