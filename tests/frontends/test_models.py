"""Whole models: what is lowered computes what the original computes, from the original's own state dict."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nasc.backends import instantiate
from nasc.frontends import lower, lower_source
from nasc.grammar import parse, print_module

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = [FOLDER / f"{name}.py" for name in ("mobilenet_small", "resnet_cifar", "vit_tiny")]
SMALL: dict[str, dict[str, Any]] = {
    "test_resnet": {},
    "test_efficientnet": {},
    "test_convnext": {},
    "test_nfnet": {},
    "test_vit": {"img_size": 64},
    "densenet121": {"growth_rate": 8, "block_config": (2, 2)},
    "swin_tiny_patch4_window7_224": {"img_size": 64, "window_size": 4, "embed_dim": 24, "depths": (2, 1)},
    "convit_tiny": {"img_size": 64, "depth": 2, "local_up_to_layer": 1},
}


def stirred(model: nn.Module) -> nn.Module:
    """Give batch norms statistics and affine weights that matter."""
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith(("running_var", "running_mean", "gamma")):
            tensor.data.uniform_(0.5, 1.5)
    return model


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_lowered_to_its_equal(path, run):
    lowered = lower_source(str(path))
    assert lowered.diagnostics == ()
    assert lowered.module.notes["framework"] == "torch"
    assert parse(print_module(lowered.module)) == lowered.module
    shape = [3, *map(int, map(str, lowered.module.main.inputs[0].type.shape[1:]))]
    (logits,) = run(lowered.module, lowered.weights, torch.randn(shape))
    assert logits.shape[0] == 3
    assert logits.std() > 0


@pytest.mark.parametrize("name", SMALL)
def test_timm_model_is_lowered_to_its_equal(name, same):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = stirred(timm.create_model(name, num_classes=10, **SMALL[name]))
    lowered = same(model, torch.randn(1, 3, 64, 64), batch=2)
    assert list(lowered.weights)[: len(model.state_dict())] == list(model.state_dict())
    assert parse(print_module(lowered.module)) == lowered.module


class Looking(nn.Module):
    """What PyTorch computes otherwise after a look at sizes, at values or at the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1, 4), 1, enable_nested_tensor=False)
        self.cross = nn.MultiheadAttention(4, 1, dropout=0.5)

    def forward(self, x):
        found = self.layers(x, mask=nn.Transformer.generate_square_subsequent_mask(x.shape[0]))
        found, weights = self.cross(found, x, x)
        return torch.einsum("lbd,sbd,lbd->bls", found, x, x), weights


def test_attention_drops_alike_in_training_whatever_its_mask():
    model, x = Looking(), torch.randn(3, 2, 4)
    lowered = lower(model, x, dynamic_batch=False)
    facts = [node.op.attributes() for node in lowered.module.main.nodes]
    assert [fact["dropout_p"] for fact in facts if "dropout_p" in fact] == [0.1]
    emitted = instantiate(lowered.module, lowered.weights)
    for train in (False, True):
        wanted, got = (seeded(one.train(train), x) for one in (model, emitted))
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(wanted, got, strict=True))


def seeded(model, x):
    torch.manual_seed(0)
    return model(x)


def test_products_of_three_tensors_leave_the_batch_open(same):
    class Product(nn.Module):
        def forward(self, x, y):
            return torch.einsum("bld,bd,bln->bdn", x, y, x)

    same(Product(), torch.randn(1, 2, 3), torch.randn(1, 3))


def test_what_autocast_casts_is_cast(same):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x):
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                x = self.first(x)
                with torch.autocast("cpu", enabled=False):
                    return self.second(x.float())

    main = same(Mixed(), torch.randn(1, 4), tolerance=1e-2).module.main
    layers = [node.type.dtype.value for node in main.nodes if node.op.name == "linear"]
    assert layers == ["bf16", "f32"]


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.BatchNorm1d(4)).train()
    model[1].eval()
    before = copy.deepcopy(model.state_dict())
    lower(model, torch.randn(2, 4))
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_weights_are_the_same_each_time(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 4))\ninput_shape = (1, 4)\n")
    state = torch.random.get_rng_state()
    first, second = (lower_source(str(path)) for _ in range(2))
    assert all(torch.equal(first.weights[key], second.weights[key]) for key in first.weights)
    assert torch.equal(state, torch.random.get_rng_state())
