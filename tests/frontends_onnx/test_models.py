"""Whole models: equal outputs, the same IR as from PyTorch, the same names of weights."""

from typing import Any

import numpy as np
import pytest
import torch
from onnx import helper
from torch import Tensor, nn

from nasc.backends.instances import instantiate
from nasc.frontends import Lowered, lower, lower_onnx, lower_source
from nasc.ir import digest
from nasc.passes import Canonicalize
from nasc.tests.frontends_onnx.models import exported, model, reference


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.proj = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Any:
        n, length, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(n, length, 16))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16, eps=1e-6), nn.LayerNorm(16, eps=1e-6)
        self.attn = Attention()
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x: Tensor) -> Any:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, stride=4)
        self.pos_embed = nn.Parameter(torch.randn(1, 4, 16))
        self.blocks = nn.Sequential(Block(), Block())
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        x = self.patch(x).flatten(2).transpose(1, 2) + self.pos_embed
        return self.head(self.norm(self.blocks(x)).mean(1))


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Hardswish())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.SiLU(), nn.Conv2d(4, 8, 1))
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        x = x * torch.sigmoid(self.squeeze(x))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(self.up(x), 1), 1))


def outputs(lowered: Lowered, *inputs: Tensor) -> list[Tensor]:
    with torch.no_grad():
        made = instantiate(lowered.module, lowered.weights)(*inputs)
    return list(made) if isinstance(made, tuple | list) else [made]


@pytest.mark.parametrize("network", [Transformer, Convolutional])
def test_an_exported_network_is_the_network(network: type[nn.Module]) -> None:
    torch.manual_seed(0)
    original = network().eval()
    proto = exported(original, torch.randn(2, 3, 8, 8))
    lowered, direct = lower_onnx(proto), lower(original, torch.randn(2, 3, 8, 8))
    for batch in (1, 3):
        x = torch.randn(batch, 3, 8, 8)
        torch.testing.assert_close(outputs(lowered, x), reference(proto, x), rtol=1e-4, atol=1e-5)
    assert digest(Canonicalize()(lowered.module)) == digest(Canonicalize()(direct.module))
    assert {key: tuple(t.shape) for key, t in lowered.weights.items()} == {
        key: tuple(t.shape) for key, t in original.state_dict().items()
    }
    for key, tensor in original.state_dict().items():
        torch.testing.assert_close(lowered.weights[key], tensor)


def ones(*shape: int) -> np.ndarray:
    return np.linspace(0.1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def test_a_file_is_lowered_and_its_open_sizes_keep_their_names(tmp_path) -> None:
    node = helper.make_node
    proto = model([node("Relu", ["x"], ["y"])], shape=["samples", 3, "height", 8])
    file = tmp_path / "model.onnx"
    file.write_bytes(proto.SerializeToString())
    assert str(lower_source(str(file)).module.main.inputs[0].type) == "f32[N,3,height,8]"
    fixed = lower_source(str(file), ["1x3x16x8"]).module
    assert str(fixed.main.inputs[0].type) == "f32[N,3,16,8]"
    assert fixed.notes["opset"] == 20


def test_shapes_are_computed_with_the_batch_as_a_symbol() -> None:
    node = helper.make_node
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["n"]),
        node("Unsqueeze", ["n", "zeros"], ["row"]),
        node("Concat", ["row", "rest"], ["wanted"], axis=0),
        node("Reshape", ["x", "wanted"], ["y"]),
    ]
    weights = {"zero": np.array(0), "zeros": np.array([0]), "rest": np.array([-1, 4])}
    graph = lower_onnx(model(nodes, weights)).module.main
    assert [node.op.name for node in graph.nodes] == ["reshape"]
    assert str(graph.output_types[0]) == "f32[N,48,4]"


def test_functions_and_branches_are_written_out() -> None:
    node = helper.make_node
    body = helper.make_function(
        "own", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 20)]
    )
    graphs = [
        helper.make_graph([node(op, ["h"], [op])], op, [], [helper.make_tensor_value_info(op, 1, None)])
        for op in ("Relu", "Neg")
    ]
    nodes = [
        node("Twice", ["x"], ["h"], domain="own"),
        node("If", ["yes"], ["y"], then_branch=graphs[0], else_branch=graphs[1]),
    ]
    lowered = lower_onnx(model(nodes, {"yes": np.array(True)}, functions=[body]))
    assert [one.op.name for one in lowered.module.main.nodes] == ["add", "relu"]


def test_what_nasc_wrote_on_a_node_is_read_back() -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    for key, value in (("nasc.path", "stem.conv"), ("nasc.loc", "net.py:7:3"), ("nasc.relevance", "0.25")):
        conv.metadata_props.add(key=key, value=value)
    lowered = lower_onnx(model([conv], {"w": ones(4, 3, 3, 3)}))
    (node,) = lowered.module.main.nodes
    assert (node.path, str(node.loc), dict(node.notes)) == ("stem.conv", "net.py:7:3", {"relevance": 0.25})
    assert list(lowered.weights) == ["stem.conv.weight"]


def test_a_vector_stored_once_is_each_layers_own_and_a_tied_matrix_stays_tied() -> None:
    node = helper.make_node
    nodes = [
        node("MatMul", ["x", "w"], ["a"], name="/one/MatMul"),
        node("Add", ["a", "b"], ["c"], name="/one/Add"),
        node("MatMul", ["c", "w2"], ["d"], name="/two/MatMul"),
        node("Add", ["d", "b"], ["y"], name="/two/Add"),
    ]
    weights = {"w": ones(4, 4), "w2": ones(4, 4) * 2, "b": np.zeros(4, np.float32)}
    lowered = lower_onnx(model(nodes, weights, shape=["batch", 4]))
    assert sorted(lowered.weights) == ["one.bias", "one.weight", "two.bias", "two.weight"]
    tied = lower_onnx(
        model([node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["y"])], weights, shape=["batch", 4])
    )
    assert [tuple(t.shape) for t in tied.weights.values()] == [(4, 4)]


def test_what_is_computed_from_a_tensor_of_the_file_never_has_its_name() -> None:
    node = helper.make_node
    nodes = [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["a"], name="/fc/Gemm"),
        node("Gemm", ["a", "head.weight", "head.bias"], ["b"], name="/head/Gemm", transB=1),
        node("Neg", ["scale"], ["minus"]),
        node("Mul", ["b", "minus"], ["c"]),
        node("Transpose", ["table"], ["turned"]),
        node("Gather", ["turned", "two"], ["row"]),
        node("Add", ["c", "row"], ["d"]),
        node("Add", ["d", "shift"], ["y"]),
    ]
    names = {
        "fc.weight": (4, 4),
        "fc.bias": (4,),
        "head.weight": (4, 4),
        "head.bias": (4,),
        "scale": (4,),
        "shift": (1, 4),
    }
    drawn = {
        name: np.random.default_rng(i).normal(size=size).astype(np.float32)
        for i, (name, size) in enumerate(names.items())
    }
    weights = {**drawn, "table": np.arange(16, dtype=np.float32).reshape(4, 4), "two": np.array(2)}
    proto = model(nodes, weights, shape=["batch", 4])
    lowered, x = lower_onnx(proto), torch.randn(3, 4)
    assert torch.allclose(outputs(lowered, x)[0], reference(proto, x)[0], atol=1e-5)
    held = {key: tensor for key, tensor in lowered.weights.items() if key in weights}
    assert sorted(held) == ["head.bias", "head.weight", "shift"]
    assert all(np.array_equal(tensor.numpy(), weights[key]) for key, tensor in held.items())
    assert sorted(lowered.weights.keys() - held) == ["fc_1.bias", "fc_1.weight", "scale_1", "table_1"]


def test_a_channels_last_network_becomes_channels_first() -> None:
    node = helper.make_node
    first: dict[str, Any] = {"perm": [0, 3, 1, 2]}
    last: dict[str, Any] = {"perm": [0, 2, 3, 1]}
    nodes = [
        node("Transpose", ["x"], ["a"], **first),
        node("Conv", ["a", "w"], ["b"], pads=[1, 1, 1, 1]),
        node("Transpose", ["b"], ["c"], **last),
        node("Add", ["c", "bias"], ["d"]),
        node("Relu", ["d"], ["e"]),
        node("Transpose", ["e"], ["f"], **first),
        node("Conv", ["f", "v"], ["g"]),
        node("Transpose", ["g"], ["h"], **last),
        node("ReduceMean", ["h", "axes"], ["y"], keepdims=0),
    ]
    weights = {"w": ones(4, 3, 3, 3), "v": ones(5, 4, 1, 1), "bias": ones(4), "axes": np.array([1, 2])}
    proto = model(nodes, weights, shape=["batch", 8, 8, 3])
    lowered = lower_onnx(proto)
    assert [n.op.name for n in lowered.module.main.nodes].count("permute") == 1
    x = torch.randn(2, 8, 8, 3)
    torch.testing.assert_close(outputs(lowered, x), reference(proto, x), rtol=1e-4, atol=1e-5)
