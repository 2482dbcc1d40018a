"""Which weights a node owns by its path, which it is given as operands, and how they are kept on disk."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nasc.frontends import lower, read_weights, write_weights
from nasc.ir import NascError


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(self.embed(x))


class Standardized(nn.Conv2d):
    def forward(self, input):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return self._conv_forward(input, weight, self.bias)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(self.fc(x).relu())


class TwoUses(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x) + nn.functional.conv2d(x, self.conv.weight, self.conv.bias, padding=2, dilation=2)


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(9, 4))
        self.table: torch.Tensor
        self.register_buffer("table", torch.arange(8).flip(0))
        self.register_buffer("mask", torch.tril(torch.ones(4, 4)), persistent=False)
        self.register_buffer("mean", torch.randn(4))

    def forward(self, x):
        return (x + self.bias[self.table][:4] - self.mean) * self.mask


class Root(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        return nn.functional.linear(x, self.weight)


def nodes(lowered, op):
    """Return the nodes of one op."""
    return [node for node in lowered.module.main.nodes if node.op.name == op]


def test_tied_weights_belong_to_one_layer_and_are_an_operand_of_the_other(same):
    lowered = same(Tied(), torch.zeros(2, 5, dtype=torch.int64))
    (embedding,) = nodes(lowered, "embedding")
    (linear,) = nodes(lowered, "linear")
    parameter, name = nodes(lowered, "parameter")
    assert (embedding.path, linear.path) == ("embed", "head")
    assert (name.op.key, name.op.tied) == ("head.weight", "embed.weight")
    assert sorted((len(embedding.operands), len(linear.operands))) == [1, 2]
    assert parameter.name in (*embedding.operands, *linear.operands)
    assert parameter.op.key in ("embed.weight", "head.weight")
    assert list(lowered.weights) == ["embed.weight", "head.weight"]


def test_computed_weights_are_operands(same):
    lowered = same(nn.Sequential(Standardized(4, 6, 3)), torch.randn(2, 4, 8, 8))
    (conv,) = nodes(lowered, "conv2d")
    assert len(conv.operands) == 3
    assert [node.op.key for node in nodes(lowered, "parameter")] == ["0.weight", "0.bias"]


def test_a_layer_applied_twice_keeps_its_path(same):
    lowered = same(Twice(), torch.randn(2, 4))
    assert [(node.name, node.path) for node in nodes(lowered, "linear")] == [("fc", "fc"), ("fc_1", "fc")]


def test_a_layer_used_in_two_ways_is_an_operand_of_the_second(same):
    lowered = same(TwoUses(), torch.randn(2, 4, 8, 8))
    assert [len(node.operands) for node in nodes(lowered, "conv2d")] == [1, 3]


def test_weights_of_the_model_itself_are_operands(same):
    lowered = same(Root(), torch.randn(2, 4))
    assert len(nodes(lowered, "linear")[0].operands) == 2


def test_tables_carry_their_values_and_statistics_do_not(same):
    lowered = same(Tables(), torch.randn(2, 4, 4))
    found = {node.op.key: node.op for node in nodes(lowered, "constant")}
    assert {key: (op.persistent, bool(op.data)) for key, op in found.items()} == {
        "table": (True, True),
        "mask": (False, True),
        "mean": (True, False),
    }
    assert set(lowered.weights) == {"bias", "table", "mean", "mask"}


def test_weights_travel_through_a_file(tmp_path):
    lowered = lower(Tied(), torch.zeros(2, 5, dtype=torch.int64))
    path = tmp_path / "model.safetensors"
    write_weights(path, lowered.weights)
    back = read_weights(path)
    assert set(back) == set(lowered.weights)
    assert all(torch.equal(back[key], value) for key, value in lowered.weights.items())
    assert [item.name for item in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, {"a": torch.ones(2)})
    with pytest.raises(AttributeError):
        write_weights(path, {"a": "not a tensor"})  # type: ignore[dict-item]
    assert torch.equal(read_weights(path)["a"], torch.ones(2))
    assert [item.name for item in tmp_path.iterdir()] == ["model.safetensors"]


def test_errors_of_files_say_what_would_be_right(tmp_path):
    with pytest.raises(NascError, match="cannot write"):
        write_weights(tmp_path / "nowhere" / "model.safetensors", {})
    (tmp_path / "bad").write_text("nonsense")
    with pytest.raises(NascError, match="expected a safetensors file"):
        read_weights(tmp_path / "bad")
