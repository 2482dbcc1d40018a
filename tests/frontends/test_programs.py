"""Programs as people have them: several inputs and outputs, tied and unused tensors, shared layers, core ATen."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

from nasc.backends import instantiate
from nasc.frontends import lower, lower_source
from nasc.grammar import parse, print_module
from nasc.ir import NascError


class Tied(nn.Module):
    """An embedding that is the output layer too, a tensor that is never read, and a layer under two names."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(16, 8)
        self.blocks = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.again = nn.ModuleDict({"first": self.blocks[0]})
        self.norm = nn.BatchNorm1d(8)
        self.same = nn.ModuleDict({"norm": self.norm})
        self.head = nn.Linear(8, 16, bias=False)
        self.head.weight = self.embed.weight
        self.mask_token = nn.Parameter(torch.zeros(1, 8))
        self.register_buffer("unread", torch.ones(3))
        self.register_buffer("order", torch.tensor([3, 1, 2, 0]))

    def forward(self, tokens, bias):
        x = self.blocks[1](self.again["first"](self.embed(tokens)))
        x = self.blocks[0](x) + bias[:, None]
        x = self.same["norm"](x.mT).mT
        logits = self.head(x)
        return {"logits": logits, "states": (x, x[:, self.order].mean(1))}


def equal(expected, actual):
    expected, actual = (pytree.tree_leaves(made) for made in (expected, actual))
    assert len(expected) == len(actual)
    for wanted, got in zip(expected, actual, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


def test_a_model_with_tied_and_unused_tensors_comes_back_with_its_state_dict():
    torch.manual_seed(0)
    model = Tied().eval()
    lowered = lower(model, torch.zeros(2, 5, dtype=torch.int64), torch.randn(2, 8))
    assert lowered.diagnostics == ()
    assert parse(print_module(lowered.module)) == lowered.module
    again = instantiate(lowered.module)
    again.load_state_dict(model.state_dict(), strict=True)
    inputs = torch.randint(0, 16, (3, 5)), torch.randn(3, 8)
    equal(model(*inputs), again(*inputs))
    assert again.get_parameter("head.weight") is again.get_parameter("embed.weight")
    assert list(again.state_dict()) != []
    assert sum(p.numel() for p in again.parameters()) == sum(p.numel() for p in model.parameters())


@dataclass
class Answer:
    """An output as libraries return it."""

    best: torch.Tensor
    spread: torch.Tensor


pytree.register_dataclass(Answer)


def test_an_output_that_is_a_dataclass_is_flattened(run):
    class Model(nn.Module):
        def forward(self, x):
            return Answer(x.amax(1), x.std(1))

    x = torch.randn(4, 6)
    lowered = lower(Model(), torch.randn(2, 6))
    equal(Model()(x), run(lowered.module, lowered.weights, x))


class Plain(nn.Module):
    """Layers whose core ATen operations have several results."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.bn = nn.BatchNorm2d(8)
        self.gn = nn.GroupNorm(2, 8)
        self.ln = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 4)
        self.drop = nn.Dropout()

    def forward(self, x):
        x = F.relu(self.gn(self.bn(self.up(F.max_pool2d(self.conv(x), 2)))))
        x = self.ln(x.flatten(2).mT)
        x = F.scaled_dot_product_attention(x, x, x)
        x[:, 0] = 0
        return F.log_softmax(self.fc(self.drop(x.mean(1))), -1) + F.adaptive_avg_pool2d(x[:, None], (1, 4)).flatten(1)


@pytest.mark.parametrize("decomposed", [False, True], ids=["whole", "core aten"])
def test_a_saved_program_is_lowered_with_its_layers(decomposed, tmp_path, run):
    torch.manual_seed(0)
    model = Plain().eval()
    program = torch.export.export(model, (torch.randn(2, 3, 8, 8),), dynamic_shapes=({0: torch.export.Dim("n")},))
    program = program.run_decompositions() if decomposed else program
    torch.export.save(program, tmp_path / "model.pt2")
    lowered = lower_source(str(tmp_path / "model.pt2"))
    layers = {node.path: node.op.name for node in lowered.module.main.nodes}
    assert [layers[name] for name in ("conv", "up", "bn", "gn", "ln", "fc")] == [
        "conv2d",
        "conv_transpose2d",
        "batch_norm",
        "group_norm",
        "layer_norm",
        "linear",
    ]
    x = torch.randn(3, 3, 8, 8)
    equal(model(x), run(lowered.module, lowered.weights, x))
    instantiate(lowered.module).load_state_dict(model.state_dict(), strict=True)


def test_every_missing_operation_is_named_at_once_with_its_layer_and_line():
    class Missing(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return self.inner(x) + torch.cummax(x, 1)[0]

    class Inner(nn.Module):
        def forward(self, x):
            return torch.special.i0e(x) + torch.special.i0e(x * 2)

    with pytest.raises(NascError) as caught:
        lower(Missing(), torch.randn(2, 3))
    found = {(d.message, d.path, d.where.line) for d in caught.value.diagnostics if d.where is not None}
    first = Missing.forward.__code__.co_firstlineno + 1, Inner.forward.__code__.co_firstlineno + 1
    assert found == {
        ("nasc has no op for aten.special_i0e.default (2 times)", "inner", first[1]),
        ("nasc has no op for aten.cummax.default", "", first[0]),
    }


@pytest.mark.parametrize("name", ["bert", "llama", "convnextv2"])
def test_a_model_of_transformers_comes_back(name):
    pytest.importorskip("transformers")
    from nasc.frontends.pytorch.suggestions import tensors
    from nasc.frontends.pytorch.transformers_zoo import build_transformers
    from nasc.frontends.source import parse_source

    torch.manual_seed(0)
    model, types = build_transformers(parse_source(f"transformers:{name}"))
    lowered = lower(model.eval(), *tensors(types))
    assert lowered.diagnostics == ()
    again = instantiate(lowered.module)
    again.load_state_dict(model.state_dict(), strict=True)
    (kind,) = types
    shape = [3, *map(int, map(str, kind.shape[1:]))]
    x = torch.randn(shape) if kind.dtype.is_floating else torch.randint(1, 200, shape)
    with torch.no_grad():
        equal(pytree.tree_leaves(model(x)), again(x))


def test_a_model_that_transformers_has_not_is_an_error():
    with pytest.raises(NascError, match="has no model 'brt' here"):
        lower_source("transformers:brt")
    with pytest.raises(NascError, match="cannot be built: "):
        lower_source("transformers:bert(hidden_size='wide')")
    with pytest.raises(NascError, match="arguments must be named"):
        lower_source("transformers:bert(64)")
