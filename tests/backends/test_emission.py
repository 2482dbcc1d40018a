"""Emitted classes compute what hand-written PyTorch computes, with the same state dict."""

import base64
import struct
import zlib
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasc.backends import emit_torch
from nasc.grammar import parse
from nasc.ir import Builder, Graph, Module, NascError, Node, checked, f32, symbol

N, C, H, W = symbol("N"), symbol("C"), symbol("H"), symbol("W")


def same(model: nn.Module, reference: nn.Module, *inputs: Tensor) -> None:
    """Check keys, outputs and that gradients reach every parameter."""
    model.load_state_dict(reference.state_dict(), strict=True)
    torch.testing.assert_close(model.eval()(*inputs), reference.eval()(*inputs))
    model.train()(*inputs).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


class Residual(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.downsample(x))


class Stages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(Residual(3, 8, 1), Residual(8, 8, 2))
        self.layer2 = nn.Sequential(Residual(8, 16, 2))
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.layer2(self.layer1(x)).mean((2, 3)))
        return logits


def residual_block() -> Graph:
    """Width C and stride S are given by the call, the input's channels follow from its type."""
    b = Builder("residual", ["C", "S"])
    x = b.input("x", f32(N, symbol("C_in"), H, W))
    y = b("conv2d", x, out_channels=C, kernel_size=3, stride=symbol("S"), padding=1, bias=False, path="conv1")
    y = b("relu", b("batch_norm", y, path="bn1"), path="act")
    y = b("batch_norm", b("conv2d", y, out_channels=C, kernel_size=3, padding=1, bias=False, path="conv2"), path="bn2")
    short = b("conv2d", x, out_channels=C, kernel_size=1, stride=symbol("S"), path="downsample.0")
    short = b("batch_norm", short, path="downsample.1")
    return b.finish(b("relu", b("add", y, short), path="act"))


def stages() -> Module:
    b = Builder(blocks={"residual": residual_block()})
    y = b.input("x", f32(N, 3, 16, 16))
    for path, width, stride in (("layer1.0", 8, 1), ("layer1.1", 8, 2), ("layer2.0", 16, 2)):
        (y,) = b.call("residual", y, path=path, C=width, S=stride)
    return b.module(b("linear", b("mean", y, dim=(2, 3)), out_features=5, path="fc"))


def test_symbolic_blocks_become_classes_with_arguments(load: Any) -> None:
    same(load(stages()).build_model(), Stages(), torch.randn(4, 3, 16, 16))


def test_a_residual_block_reads_as_people_write_it() -> None:
    text = emit_torch(stages())
    assert text.startswith('"""Main: PyTorch source written by nasc."""\n')
    for lines in (
        "class Residual(nn.Module):",
        "    def __init__(self, C: int, S: int, C_in: int) -> None:",
        "        self.conv1 = nn.Conv2d(C_in, C, 3, stride=S, padding=1, bias=False)",
        "        out = F.relu(self.bn1(self.conv1(x)))\n"
        "        out = self.bn2(self.conv2(out))\n"
        "        return F.relu(out + self.downsample(x))\n",
        "            Residual(C=8, S=1, C_in=3),\n",
        "        x = self.layer2(self.layer1(x)).mean(dim=(2, 3))\n        return self.fc(x)\n",
    ):
        assert lines in text


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(8, 2, 1)
        self.conv_expand = nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv_expand(F.silu(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Dropout(0.0), nn.ReLU(), nn.BatchNorm2d(8))
        self.blocks = nn.ModuleList([nn.ModuleDict({"se": Gate()}), nn.ModuleDict({"se": Gate()})])

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        for block in self.blocks:
            x = block.get_submodule("se")(x)
        return x


def test_nested_paths_become_nested_containers(load: Any) -> None:
    b = Builder()
    x = b("conv2d", b.input("x", f32(N, 3, 9, 9)), out_channels=8, kernel_size=3, path="features.0")
    x = b("batch_norm", b("relu", x, path="features.2"), path="features.3")
    for i in range(2):
        y = b("mean", x, dim=(2, 3), keepdim=True, path=f"blocks.{i}.se")
        y = b("silu", b("conv2d", y, out_channels=2, kernel_size=1, path=f"blocks.{i}.se.conv_reduce"))
        y = b("conv2d", y, out_channels=8, kernel_size=1, path=f"blocks.{i}.se.conv_expand")
        x = b("mul", x, b("sigmoid", y))
    same(load(b.module(x)).build_model(), Gated(), torch.randn(2, 3, 9, 9))
    text = emit_torch(b.module(x))
    margin = ",\n" + " " * 12
    assert margin.join(("nn.Conv2d(3, 8, 3)", "nn.Identity()", "nn.ReLU()", "nn.BatchNorm2d(8)")) in text
    assert "x = self.features(x)" in text


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, 8))
        self.attn = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)
        mixed: Tensor = self.attn(x, x, x, need_weights=False)[0]
        return mixed


def test_parameters_without_a_layer_keep_their_keys(load: Any) -> None:
    b = Builder()
    x = b.input("x", f32(N, 5, 8))
    token = b("expand", b("parameter", key="cls_token", shape=(1, 1, 8)), shape=(N, 1, 8))
    x = b("cat", token, x, dim=1)
    weight = b("parameter", key="attn.in_proj_weight", shape=(24, 8))
    bias = b("parameter", key="attn.in_proj_bias", shape=(24,))
    y = b("reshape", b("linear", x, weight, bias, out_features=24, path="attn"), shape=(N, 6, 3, 2, 4))
    q, k, v = b.add(b_op("unbind", dim=0), [b("permute", y, dims=(2, 0, 3, 1, 4))])
    y = b("transpose", b("scaled_dot_product_attention", q, k, v), dim0=1, dim1=2)
    y = b("linear", b("reshape", y, shape=(N, 6, 8)), out_features=8, path="attn.out_proj")
    model = load(b.module(y)).build_model()
    same(model, Attention(), torch.randn(3, 5, 8))
    text = emit_torch(b.module(y))
    assert "q, k, v = x.reshape(-1, 6, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind()" in text
    assert "x = torch.cat([self.cls_token.expand(x.shape[0], 1, 8), x], dim=1)" in text


def b_op(name: str, **attributes: object) -> Any:
    from nasc.ir import OPS

    return OPS[name](**attributes)


def test_one_layer_called_twice_is_one_layer(load: Any) -> None:
    b = Builder()
    x = b.input("x", f32(N, 4))
    for _ in range(2):
        x = b("linear", x, out_features=4, path="fc")
    model = load(b.module(x)).build_model()
    assert list(model.state_dict()) == ["fc.weight", "fc.bias"]
    value = torch.randn(3, 4)
    torch.testing.assert_close(model(value), model.fc(model.fc(value)))


def test_two_layers_never_share_a_name(load: Any) -> None:
    b = Builder()
    x = b("linear", b.input("x", f32(N, 4)), out_features=6, path="fc")
    model = load(b.module(b("linear", x, out_features=2, path="fc"))).build_model()
    assert model(torch.randn(3, 4)).shape == (3, 2)
    assert model.fc.out_features == 6


def test_tied_weights_stay_tied(load: Any) -> None:
    b = Builder()
    x = b("embedding", b.input("ids", int64(N, 3)), num_embeddings=10, embedding_dim=4, path="wte")
    x = b("linear", x, b("parameter", key="wte.weight", shape=(10, 4)), out_features=10, bias=False)
    model = load(b.module(x)).build_model()
    assert list(model.state_dict()) == ["wte.weight"]
    assert model(torch.ones(2, 3, dtype=torch.int64)).shape == (2, 3, 10)


def int64(*shape: Any) -> Any:
    from nasc.ir import DType, TensorType

    return TensorType(DType.I64, shape)


def test_a_single_layer_keeps_its_bare_keys(load: Any) -> None:
    b = Builder()
    model = load(b.module(b("linear", b.input("x", f32(N, 4)), out_features=3))).build_model()
    same(model, nn.Linear(4, 3), torch.randn(2, 4))


def packed(values: list[float], form: str) -> str:
    return base64.b64encode(zlib.compress(struct.pack(f"<{len(values)}{form}", *values))).decode()


@pytest.mark.parametrize("count", [6, 600])
def test_constants_bring_their_values(count: int, load: Any) -> None:
    values = [i / 10 for i in range(count)]
    b = Builder()
    table = b("constant", key="mask", shape=(2, count // 2), persistent=False, data=packed(values, "f"))
    module = b.module(b("add", b.input("x", f32(1, 1)), table))
    model = load(module).build_model()
    assert dict(model.state_dict()) == {}
    torch.testing.assert_close(model(torch.zeros(1, 1)), torch.tensor(values).reshape(2, -1))
    assert ("0.1, 0.2" in emit_torch(module)) == (count <= 64)


def test_damaged_constants_are_refused() -> None:
    for data in ("%%%", packed([1.0], "f"), base64.b64encode(zlib.compress(bytes(10**7))).decode()):
        b = Builder()
        table = b("constant", key="mask", shape=(2, 3), data=data)
        with pytest.raises(NascError, match="mask"):
            emit_torch(b.module(table))


def test_dropout_is_active_in_training_only(load: Any) -> None:
    b = Builder()
    x = b("dropout", b.input("x", f32(N, 512)), p=0.5, path="blocks.0.drop")
    model = load(b.module(b("dropout", x, p=0.5, path="drop"))).build_model()
    ones = torch.ones(2, 512)
    assert torch.equal(model.eval()(ones), ones)
    assert (model.train()(ones) == 0).any()


def test_edits_and_relevance_become_comments() -> None:
    b = Builder()
    x = b("linear", b.input("x", f32(N, 4)), out_features=4, path="fc")
    graph = b.finish(b("relu", x))
    notes: list[Node] = [node.annotate(edit="wider\nimport os", relevance=0.25) for node in graph.nodes]
    module = Module((graph.with_nodes(notes),))
    assert "# edit: wider import os\n        self.fc" in emit_torch(module)
    assert "# edit: wider import os\n        x = F.relu(x)" in emit_torch(module)
    assert "relevance" not in emit_torch(module)
    assert "# relevance: +0.250" in emit_torch(module, relevance=True)
    assert "score 1 -> 2" in emit_torch(module, ["score 1 -> 2"]).split('"""')[1]


def test_weights_of_batch_size_are_refused() -> None:
    b = Builder()
    x = b("transpose", b.input("x", f32(N, 4)), dim0=0, dim1=1)
    with pytest.raises(NascError, match=r"layer fc .* N"):
        emit_torch(b.module(b("linear", x, out_features=4, path="fc")))


def test_sizes_are_read_from_the_input(load: Any) -> None:
    """A block sees windows, 4 times the batch; the batch must be computed back."""
    inner = Builder("merge")
    x = inner.input("x", f32(4 * N, 3))
    block = inner.finish(inner("reshape", x, shape=(N, 2, 6)))
    b = Builder(blocks={"merge": block})
    x = b("reshape", b.input("x", f32(N, 12)), shape=(4 * N, 3))
    model = load(b.module(*b.call("merge", x, path="merge"))).build_model()
    assert model(torch.randn(5, 12)).shape == (5, 2, 6)


def test_calls_that_share_a_path_are_expanded(load: Any) -> None:
    blocks = {}
    for name, width in (("a", 4), ("b", 4)):
        inner = Builder(name)
        blocks[name] = inner.finish(inner("linear", inner.input("x", f32(N, 4)), out_features=width, path=f"fc_{name}"))
    b = Builder(blocks=blocks)
    x = b.input("x", f32(N, 4))
    for name in blocks:
        (x,) = b.call(name, x, path="block")
    model = load(b.module(x)).build_model()
    assert set(model.state_dict()) == {f"block.fc_{n}.{s}" for n in "ab" for s in ("weight", "bias")}
    assert model(torch.randn(2, 4)).shape == (2, 4)


def test_ten_thousand_nodes(load: Any) -> None:
    b = Builder()
    x = first = b.input("x", f32(N, 2))
    for i in range(5_000):
        x = b("add", b("tanh", x, path=f"deep.{i}"), first)
    model = load(b.module(x)).build_model()
    assert model(torch.ones(1, 2)).shape == (1, 2)


def test_a_size_is_read_off_a_product_with_another_that_is_known(load: Any) -> None:
    text = """nasc 1

graph @main(%x: f32[N,6,5], %mask: f32[3,5]) -> f32[N,3,2,5] {
  %flat = reshape %x {shape=[N*3, 2, 5]}
  %y = call @windows %flat, %mask
  return %y
}

graph @windows(%x: f32[M*N,L,5], %mask: f32[M,5]) -> f32[N,M,L,5] {
  %parts = reshape %x {shape=[N, M, L, 5]}
  %mask_1 = reshape %mask {shape=[M, 1, 5]}
  %sum = add %parts, %mask_1
  return %sum
}
"""
    model = load(checked(parse(text))).build_model()
    x, mask = torch.randn(2, 6, 5), torch.randn(3, 5)
    want = x.reshape(2, 3, 2, 5) + mask.reshape(3, 1, 5)
    assert torch.equal(model(x, mask), want)
