"""Every rule of the ATen table: a function of it, lowered and interpreted, equals the function itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

X = (2, 4, 6)
IMAGE = (2, 4, 8, 8)


class Function(nn.Module):
    """A model that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def written(x):
    y = x * 1
    y[:, 0] = 2.0
    y[:, 2:4] += y[:, :2]
    y.transpose(1, 2)[:, 1] = 5
    return y.relu_()


CASES = {
    "add scaled": lambda x: torch.add(x, x * 2, alpha=3),
    "sub number": lambda x: torch.sub(x, 2, alpha=2),
    "number minus": lambda x: 1 - x,
    "number over": lambda x: 2 / (x.abs() + 1),
    "number to the power": lambda x: 2**x,
    "power": lambda x: x**2 + x.abs() ** x,
    "square": lambda x: x.square(),
    "floor division": lambda x: torch.div(x, 2, rounding_mode="floor") + x // 3,
    "remainder": lambda x: x % 2,
    "compare": lambda x: ((x > 0) & (x < 1)) | (x == 2) | ~(x >= -1),
    "xor": lambda x: torch.logical_xor(x > 0, x > 1),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "where numbers": lambda x: torch.where(x > 0, 1.0, -1.0),
    "masked fill": lambda x: x.masked_fill(x > 0, -1e9).softmax(-1),
    "clamp": lambda x: x.clamp(-1, 1) + x.clamp_min(0) + x.clamp(max=0.5),
    "cast": lambda x: x.to(torch.float64).float() + (x > 0).to(x.dtype) + x.int().type_as(x),
    "copies": lambda x: x.contiguous().clone().detach() + 1,
    "rrelu": lambda x: F.rrelu(x),
    "matrix": lambda x: torch.baddbmm(x @ x.mT, x, x.transpose(1, 2), beta=2, alpha=0.5),
    "addcmul": lambda x: torch.addcmul(x, x, x, value=0.5) + torch.lerp(x, x * 2, 0.3),
    "reshape": lambda x: (
        x.view(x.shape[0], -1).reshape(-1, 3, 8) + x.view(-1, 24).view_as(x).flatten(1).unflatten(1, (3, 8))
    ),
    "expand": lambda x: x[:, :1].expand(-1, 4, -1) + x[:1].expand_as(x),
    "squeeze": lambda x: x.unsqueeze(1).squeeze(1) + x[:, None, None].squeeze((1, 2)) + x.unsqueeze(-1).squeeze(),
    "split": lambda x: sum(x.split(2, 1)) + sum(x.chunk(2, 1)) + sum(x.split([1, 1, 2], 1)[:2]),
    "unbind": lambda x: x.unbind(1)[0] * x.select(2, -1)[:, :1],
    "permute": lambda x: x.permute(0, 2, 1).movedim(1, 2) + x.movedim((1, 2), (2, 1)).transpose(1, 2),
    "second names": lambda x: (
        torch.divide(torch.negative(x).swapaxes(1, 2).swapdims(-1, -2).multiply(2.0).subtract(x), 3.0)
        .absolute()
        .arctan()
        + torch.greater(x, 0.1).logical_or(torch.less_equal(x, -1.0)).float()
        + torch.moveaxis(x, 1, 2).swapaxes(1, 2)
    ),
    "cat": lambda x: torch.cat([x, x * 2], 1).mean(1) + torch.stack([x, x], 1)[:, 0, 0],
    "repeat": lambda x: x.repeat(1, 2, 1)[:, :4] + x.tile(2)[..., :6] + x.repeat_interleave(2, 1)[:, ::2],
    "slices": lambda x: x[:, 1:3, ::2] + x[:, -2:, 1:4] + x.narrow(1, 0, 2)[..., :3],
    "index": lambda x: x[:, torch.tensor([2, 0, 1])] + x.index_select(1, torch.tensor([0, 0, 3])),
    "roll": lambda x: torch.roll(x, (1, 2), (1, 2)).flip(1),
    "triangles": lambda x: torch.tril(x) + torch.triu(x, 1),
    "einsum": lambda x: torch.einsum("b i j, b k j -> b i k", x, x) + torch.einsum("...ij,...kj->...ik", x, x),
    "einsum without output": lambda x: torch.einsum("bij,bjk", x, x.mT),
    "tensordot": lambda x: torch.tensordot(x, x[0].mT, dims=1),
    "pad": lambda x: F.pad(x, (1, 2)) + F.pad(x, (2, 1), mode="replicate") + F.pad(x, (1, 2), mode="reflect"),
    "pad constant": lambda x: F.pad(x, (1, 0, 0, 1), value=2.5),
    "full": lambda x: x + torch.ones_like(x) + x.new_zeros(x.shape) + torch.full((6,), 3.0) + x.new_full((6,), 2),
    "arange": lambda x: x + torch.arange(6) + torch.arange(1, 13, 2, dtype=torch.float32),
    "folded": lambda x: x + torch.linspace(0, 1, 6) + torch.eye(6)[1],
    "meshgrid": lambda x: x + torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")[0],
    "reduce": lambda x: x.mean((1, 2), keepdim=True) + x.sum(-1, keepdim=True) + x.amax(1, keepdim=True),
    "reduce all": lambda x: x / x.mean() + x.max() - x.min() + x.sum(),
    "spread": lambda x: (
        x.var(1, keepdim=True) + x.std(-1, keepdim=True, unbiased=False) + x.var((1, 2), correction=0, keepdim=True)
    ),
    "var_mean": lambda x: sum(torch.var_mean(x, 1, keepdim=True)) + sum(torch.std_mean(x, dim=1, keepdim=True)),
    "largest": lambda x: x.max(1)[0] + x.max(1)[1] + x.min(1).values + x.argmax(1) + x.min(1).indices,
    "norm": lambda x: (
        F.normalize(x, dim=-1) + x.norm(dim=-1, keepdim=True) + torch.linalg.vector_norm(x, 1, 1, keepdim=True)
    ),
    "logsumexp": lambda x: x.logsumexp(1) + x.log_softmax(1).cumsum(1)[:, 0] + x.logsumexp((1,), keepdim=True)[:, 0],
    "any": lambda x: x.abs().log1p() + x.exp().sqrt() + x.sin() * x.cos() + x.erf(),
    "written": written,
    "activations": lambda x: F.hardtanh(x) + F.elu(x) + F.selu(x) + F.mish(x) + F.softplus(x) + F.leaky_relu(x, 0.2),
    "gates": lambda x: (
        F.glu(x, 1).repeat(1, 2, 1) + F.hardswish(x) + F.hardsigmoid(x) + F.silu(x) + F.gelu(x, approximate="tanh")
    ),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(4, 4).tril().bool()),
    "no grad": lambda x: x + torch.no_grad()(lambda y: y * 2)(x),
}
IMAGES = {
    "dropout": lambda x: F.dropout(F.dropout2d(F.dropout(x, 0.5, False), 0.1, False), 0.5, False, inplace=True),
    "shuffle": lambda x: F.channel_shuffle(x, 2) + F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
    "nearest": lambda x: F.interpolate(x, scale_factor=2) + F.interpolate(x, size=(16, 16), mode="nearest-exact"),
    "bilinear": lambda x: (
        F.interpolate(x, (5, 7), mode="bilinear") + F.interpolate(x, (5, 7), mode="bilinear", align_corners=True)
    ),
    "bicubic": lambda x: (
        F.interpolate(x, (4, 4), mode="bicubic", antialias=True) + F.interpolate(x, (4, 4), mode="bicubic")
    ),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, 2) + F.adaptive_max_pool2d(x, 2),
    "pool": lambda x: (
        F.max_pool2d(x, 3, 2, 1)
        + F.avg_pool2d(x, 2, ceil_mode=True)
        + F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    ),
    "fold": lambda x: F.fold(F.unfold(x, 3, padding=1, stride=2), 8, 3, padding=1, stride=2),
    "unfold": lambda x: F.unfold(x, 3, padding=1),
    "instance norm": lambda x: F.instance_norm(x),
    "reflect": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
}


@pytest.mark.parametrize("name", CASES)
def test_function_is_lowered_to_its_equal(name, same):
    same(Function(CASES[name]), torch.randn(X))


@pytest.mark.parametrize("name", IMAGES)
def test_function_of_images_is_lowered_to_its_equal(name, same):
    same(Function(IMAGES[name]), torch.randn(IMAGE))


LAYERS = {
    "conv1d same": (nn.Conv1d(4, 6, 4, padding="same", dilation=2), X),
    "conv2d": (nn.Conv2d(4, 6, 3, 2, 1, groups=2), IMAGE),
    "conv2d same": (nn.Conv2d(4, 6, 3, padding="same", bias=False), IMAGE),
    "conv2d valid": (nn.Conv2d(4, 6, 3, padding="valid"), IMAGE),
    "conv2d mirrored": (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), IMAGE),
    "conv3d": (nn.Conv3d(4, 2, 2), (2, 4, 3, 3, 3)),
    "transposed 1": (nn.ConvTranspose1d(4, 6, 3, 2), X),
    "transposed 2": (nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2, dilation=2), IMAGE),
    "batch norm": (nn.BatchNorm2d(4), IMAGE),
    "batch norm plain": (nn.BatchNorm1d(4, affine=False), X),
    "batch norm of the batch": (nn.BatchNorm2d(4, track_running_stats=False), IMAGE),
    "layer norm": (nn.LayerNorm(6), X),
    "layer norm without bias": (nn.LayerNorm([4, 6], bias=False), X),
    "layer norm plain": (nn.LayerNorm(6, elementwise_affine=False), X),
    "rms norm": (nn.RMSNorm(6), X),
    "group norm": (nn.GroupNorm(2, 4), IMAGE),
    "instance norm": (nn.InstanceNorm2d(4, affine=True), IMAGE),
    "prelu": (nn.PReLU(4), IMAGE),
    "linear": (nn.Linear(6, 3, bias=False), X),
    "attention": (nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, norm_first=True), X),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_lowered_to_its_equal(name, same):
    layer, shape = LAYERS[name]
    torch.manual_seed(0)
    for buffer in layer.buffers():
        if buffer.is_floating_point():
            buffer.data.uniform_(0.5, 2)
    for parameter in layer.parameters():
        parameter.data.normal_()
    same(nn.Sequential(layer), torch.randn(shape))


def test_embedding_is_lowered_to_its_equal(same):
    same(nn.Sequential(nn.Embedding(10, 4, padding_idx=0)), torch.zeros(2, 5, dtype=torch.int64))


def test_several_inputs_and_outputs(same):
    lowered = same(Function(lambda x, y: (x + y, x * 2)), torch.randn(X), torch.randn(X))
    assert [str(i.type) for i in lowered.module.main.inputs] == ["f32[N,4,6]"] * 2
