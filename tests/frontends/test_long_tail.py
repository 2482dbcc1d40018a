"""The long tail of ATen: every rule beyond the everyday ones, lowered and interpreted, equals torch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nasc.frontends import lower
from nasc.ir import NascError

X = (2, 4, 6)
IMAGE = (2, 4, 8, 8)
TABLE = torch.tensor([[True, False, True, False, False, True]])


class Function(nn.Module):
    """A model that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.register_buffer("mask", TABLE[0])
        self.register_buffer("places", torch.tensor([2, 0, 3]))

    def forward(self, *inputs):
        return self.function(self, *inputs)


def sliced(_, x):
    y = x.clone()
    y[:, ::2] = 1.0
    y[:, 1::2, 2:4] *= 3
    y[:, -1] = x[:, 0]
    y[..., -2:] = y[..., :2]
    return y


def parted(_, x):
    y = x.clone()
    first, second = y.chunk(2, 1)
    first.mul_(2)
    second += first
    for i, row in enumerate(y.unbind(1)):
        row.add_(i)
    return y


def filled(self, x):
    y = x.clone()
    y[:, self.places] = 0.5
    y[y > 1] = 1.0
    y[:, :, self.mask] = -1.0
    y.masked_fill_(y < -1, -1)
    return y.index_fill(1, self.places, 2.0)


def put(self, x):
    y = x.clone()
    y[:, self.places, torch.tensor([0, 5, 1])] = x[:, :3, 0]
    y[0, self.places[:2], 1:3] = torch.ones(2)
    y.index_put_((torch.zeros_like(self.places), self.places), x[0, :1], accumulate=True)
    rows = torch.arange(x.shape[0], device=x.device)
    return y.index_put((rows, rows * 0 + 1), x[:, 2]) + y.index_put((self.places[:1] * 0, self.places[:1]), x[0, :1])


CASES = {
    "two indices": lambda self, x: x[:, self.places[:, None], torch.tensor([[1, 4]])] + x[:, :3, :2],
    "indices apart": lambda self, x: x[torch.arange(x.shape[0]), :, self.places[:1]],
    "negative indices": lambda self, x: x[:, torch.tensor([-1, 0]), torch.tensor([-2, 1])],
    "computed indices": lambda self, x: x[:, x.argmax(1) - 1, torch.arange(6)],
    "known mask": lambda self, x: x[:, :, self.mask] * x[..., TABLE[0]],
    "written slices": sliced,
    "written parts": parted,
    "filled": filled,
    "index put": put,
    "index add": lambda self, x: (
        x.index_add(1, self.places, x[:, :3], alpha=2) + x.index_copy(1, self.places, x[:, :3])
    ),
    "slice scatter": lambda self, x: (
        torch.slice_scatter(x, x[:, :2] * 0, 1, 1, 3) + torch.select_scatter(x, x[:, 0], 2 - 1, -1)
    ),
    "gather": lambda self, x: x.gather(1, x.argsort(1)[:, :2]),
    "scatter": lambda self, x: (
        x.scatter(1, x.argsort(1)[:, :2], x * 2)
        + x.scatter(2, x.argsort(2)[..., :1], 0.0)
        + x.scatter_add(1, x.argsort(1), x)
    ),
    "scatter reduce": lambda self, x: x.scatter_reduce(1, x.argsort(1) * 0, x, "amax"),
    "sort": lambda self, x: x.sort(1)[0] + torch.sort(x, dim=2, descending=True, stable=True)[1] + x.argsort(-1),
    "topk": lambda self, x: x.topk(2, 1)[0] + x.topk(2, 1, largest=False)[1],
    "searchsorted": lambda self, x: (
        torch.bucketize(x, torch.linspace(-1, 1, 5)) + torch.searchsorted(torch.arange(5.0), x, right=True)
    ),
    "one hot": lambda self, x: F.one_hot(x.argmax(1), 5).sum(1) + F.one_hot(x.argmax(1), 5).float().mean(1),
    "any": lambda self, x: torch.stack(
        [(x > 1).any(1), (x > -9).all(1), x.any(1), (x > 3).any().expand(x.shape[0], 6)]
    ),
    "diff": lambda self, x: x.diff(dim=1, prepend=x[:, :1]) + x.diff(n=2, append=x[..., :2]),
    "product": lambda self, x: x.prod(1) + x.prod() + (x > 0).prod(1),
    "clamp by tensors": lambda self, x: x.clamp(x[:, :1] - 1, x[:, :1]) + torch.clamp(x, max=x[:, 1:2]),
    "not numbers": lambda self, x: torch.isnan(x / 0 * 0) & ~torch.isinf(x) & torch.isfinite(x),
    "rounding": lambda self, x: x.ceil() + x.round() + x.trunc() + x.sign() + (x * 3).frac(),
    "odd activations": lambda self, x: F.softsign(x) + F.logsigmoid(x) + F.celu(x, 0.7) + F.threshold(x, 0.1, 2.0),
    "shrinking": lambda self, x: F.hardshrink(x, 0.3) + F.softshrink(x, 0.3) + F.tanhshrink(x),
    "logarithms": lambda self, x: (x.abs() + 1).log2() + (x.abs() + 1).log10() + torch.exp2(x) + x.atan() + x.tan(),
    "windows": lambda self, x: x.unfold(2, 3, 2).sum(-1) + x.unfold(1, 4, 1)[:, 0, :2].mT[:, :1],
    "diagonal": lambda self, x: x.diagonal(1, 1, 2) + x.diagonal(dim1=2, dim2=1)[..., :4],
    "bilinear": lambda self, x: F.bilinear(x, x, torch.ones(3, 6, 6), torch.ones(3)),
    "weight norm": lambda self, x: F.linear(x, torch.ops.aten._weight_norm(torch.ones(3, 6), torch.ones(3, 1), 0)),
    "roll flat": lambda self, x: torch.roll(x[:1], 5) + x,
    "composite": lambda self, x: F.cosine_similarity(x, x[:, :1], dim=1) + torch.outer(x[0, 0], x[0, 1])[0],
}


@pytest.mark.parametrize("name", CASES)
def test_rule_equals_the_function(name, same):
    same(Function(CASES[name]), torch.randn(X))


def test_take_along_dim_broadcasts(same):
    taken = Function(lambda self, x: torch.take_along_dim(x, x.argmin(1, keepdim=True), 1))
    same(taken, torch.randn(X), batch=None)


IMAGES = {
    "places of maxima": lambda self, x: sum(F.max_pool2d(x, 2, return_indices=True)),
    "places of adaptive maxima": lambda self, x: sum(F.adaptive_max_pool2d(x, (2, 4), return_indices=True)),
    "unpooling": lambda self, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), [2, 2]),
    "volumes": lambda self, x: (
        F.max_pool3d(x[:, None], (1, 2, 2))[:, 0]
        + F.avg_pool3d(x[:, None], (1, 2, 2))[:, 0]
        + F.adaptive_avg_pool3d(x[:, None], (4, 4, 4))[:, 0]
        + F.adaptive_max_pool3d(x[:, None], (4, 4, 4))[:, 0]
    ),
    "one axis": lambda self, x: F.adaptive_max_pool1d(x.flatten(2), 5),
    "grid": lambda self, x: F.grid_sample(
        x, x[:, :2, :, :].permute(0, 2, 3, 1), padding_mode="border", align_corners=True
    ),
    "factors": lambda self, x: (
        F.interpolate(x, scale_factor=1.3, mode="nearest")
        + F.interpolate(x, scale_factor=1.3, mode="bilinear")
        + F.interpolate(x, scale_factor=1.3, mode="nearest-exact")
        + F.interpolate(x, scale_factor=1.3, mode="bicubic", align_corners=True)
    ),
    "more axes": lambda self, x: (
        F.interpolate(x[:, None], size=(4, 6, 6), mode="trilinear") + F.interpolate(x[:, None], size=(4, 6, 6))
    ),
    "responses": lambda self, x: F.local_response_norm(x, 3),
    "shuffles": lambda self, x: F.channel_shuffle(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), 2),
    "instances": lambda self, x: F.instance_norm(x) + F.group_norm(x, 2),
    "folded": lambda self, x: F.fold(F.unfold(x, 3, padding=1), (8, 8), 3, padding=1),
}


@pytest.mark.parametrize("name", IMAGES)
def test_rule_of_images_equals_the_function(name, same):
    same(Function(IMAGES[name]), torch.randn(IMAGE))


class Recurrent(nn.Module):
    """A recurrent layer between others, with or without an initial state."""

    def __init__(self, layer, initial=False):
        super().__init__()
        self.rnn = layer
        self.initial = initial

    def forward(self, x, state=None):
        if not self.initial:
            out, last = self.rnn(x)
        elif isinstance(self.rnn, nn.LSTM):
            assert state is not None
            out, last = self.rnn(x, (state.mT.contiguous(), state.mT * 2))
        else:
            assert state is not None
            out, last = self.rnn(x, state.mT.contiguous())
        return (out, *last) if isinstance(last, tuple) else (out, last)


RECURRENT = {
    "lstm": lambda: Recurrent(nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)),
    "gru": lambda: Recurrent(nn.GRU(6, 5, num_layers=2, batch_first=True, bias=False)),
    "rnn": lambda: Recurrent(nn.RNN(6, 5, nonlinearity="relu", batch_first=True)),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layer_equals_the_original(name, same):
    lowered = same(RECURRENT[name](), torch.randn(2, 7, 6))
    (node,) = [node for node in lowered.module.main.nodes if node.op.name == name]
    assert (node.path, len(node.operands)) == ("rnn", 1)


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_recurrent_layer_takes_an_initial_state(cell, same):
    model = Recurrent(cell(6, 5), initial=True)
    lowered = same(model, torch.randn(7, 2, 6), torch.randn(1, 5, 2), batch=None)
    (node,) = [node for node in lowered.module.main.nodes if node.op.name in ("lstm", "gru")]
    assert len(node.operands) == (3 if cell is nn.LSTM else 2)


def test_a_mask_of_unknown_size_is_an_error():
    with pytest.raises(NascError) as caught:
        lower(Function(lambda self, x: x[x > 0].sum()), torch.randn(X))
    assert caught.value.diagnostics
