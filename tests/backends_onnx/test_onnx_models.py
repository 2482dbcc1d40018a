"""Whole models as ONNX files: names, metadata, weights, symbolic sizes, functions, files."""

import json
import re
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import onnx
import pytest
import torch

from nasc.backends import emit_onnx, instantiate, write_onnx
from nasc.backends.instances import tensors_of
from nasc.backends.onnx.files import write
from nasc.frontends import Lowered, lower_source
from nasc.frontends.onnx.lowering import lower_model
from nasc.grammar import parse
from nasc.ir import Loc, Module, NascError, digest
from nasc.passes import Outline
from nasc.passes.diffing import flat

Compare = Callable[..., onnx.ModelProto]
EXAMPLES = Path(__file__).parents[2] / "examples"

BLOCKS = """\
nasc 1

graph @main(%x: f32[N,4,8,8]) -> f32[N,3] {
  %a = call @block %x {C=4} #first
  %b = call @block %a {C=4} #second
  %c = call @block %b {C=6} #third
  %shift = parameter {key="shift", shape=[6, 1, 1]}
  %d = add %c, %shift
  %pool = mean %d {dim=[2, 3]} @{relevance=-0.25}
  %head = linear %pool {out_features=3} #head
  return %head
}

%head = "net.py":12:9

graph @block<C>(%x: f32[N,D,8,8]) -> f32[N,C,8,8] {
  %conv = conv2d %x {out_channels=C, kernel_size=3, padding=1} #conv
  %relu = relu %conv
  %flat = reshape %relu {shape=[N, C, 64]}
  %back = reshape %flat {shape=[N*C, 8, 8]}
  %again = reshape %back {shape=[N, C, 8, 8]}
  return %again
}
"""


@cache
def example(name: str) -> Lowered:
    return lower_source(str(EXAMPLES / name))


@pytest.fixture
def blocks() -> Module:
    return parse(BLOCKS)


@pytest.mark.parametrize("name", ["resnet_cifar.py", "vit_tiny.py"])
def test_examples_compute_the_same_and_come_back(name: str, compare: Compare) -> None:
    lowered = example(name)
    model = compare(lowered.module)
    trained = {key for key in lowered.weights if not key.endswith("num_batches_tracked")}
    assert {tensor.name for tensor in model.graph.initializer} == trained
    back = lower_model(model)
    assert digest(flat(back.module)) == digest(flat(lowered.module))
    assert places(back.module) == places(lowered.module)
    assert all(back.weights[key].shape == lowered.weights[key].shape for key in trained)


def places(module: Module) -> list[tuple[str, str, Loc | None]]:
    return sorted((node.op.name, node.path, node.loc) for node in flat(module).main.nodes)


def test_calls_are_expanded_or_kept_as_functions(blocks: Module, compare: Compare) -> None:
    flat, kept = compare(blocks), compare(blocks, functions=True)
    assert not flat.functions
    assert [function.name for function in kept.functions] == ["block", "block_2"]
    calls = [node for node in kept.graph.node if node.domain == "nasc"]
    assert [(node.name, node.op_type) for node in calls] == [("a", "block"), ("b", "block"), ("c", "block_2")]
    assert list(calls[1].input) == ["a", "second.conv.weight", "second.conv.bias"]


def test_outlined_model_keeps_its_blocks(compare: Compare) -> None:
    module = Outline()(example("resnet_cifar.py").module)
    assert "basic_block" in [function.name for function in compare(module, functions=True).functions]


def test_nodes_say_where_they_come_from(blocks: Module) -> None:
    model = emit_onnx(blocks)
    told = {node.name: {prop.key: prop.value for prop in node.metadata_props} for node in model.graph.node}
    assert told["head"] == {"nasc.path": "head", "nasc.loc": "net.py:12:9"}
    assert told["pool"] == {"nasc.path": "", "nasc.relevance": "-0.25"}
    assert told["first.conv"] == {"nasc.path": "first.conv"}


def test_symbolic_sizes_are_named_dimensions(blocks: Module) -> None:
    graph = emit_onnx(blocks).graph
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    assert shapes["x"] == ["N", 4, 8, 8]
    assert shapes["first.back"] == ["N*4", 8, 8]
    assert shapes["head"] == ["N", 3]


def test_weights_are_those_given_or_those_of_seed_zero(blocks: Module) -> None:
    given = tensors_of(instantiate(blocks, seed=5))
    assert stored(emit_onnx(blocks, given), "second.conv.bias").equal(given["second.conv.bias"])
    drawn = tensors_of(instantiate(blocks, seed=0))
    assert stored(emit_onnx(blocks), "second.conv.bias").equal(drawn["second.conv.bias"])


def stored(model: onnx.ModelProto, name: str) -> torch.Tensor:
    (found,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    return torch.from_numpy(onnx.numpy_helper.to_array(found).copy())


def test_scopes_and_source_are_kept() -> None:
    model = emit_onnx(example("vit_tiny.py").module)
    notes = {prop.key: prop.value for prop in model.metadata_props}
    assert notes["nasc.framework"] == "torch"
    (scopes,) = [prop.value for prop in model.graph.metadata_props if prop.key == "nasc.scopes"]
    assert json.loads(scopes)["blocks.0"] == "Block"


def test_low_precision_and_stored_constants(compare: Compare) -> None:
    text = """\
nasc 1

graph @main(%x: bf16[N,4]) -> (f32[N,4], i64[2], bf16[N,4]) {
  %scale = parameter {key="scale", shape=[4], dtype=bf16}
  %table = constant {key="table", shape=[2], dtype=i64, persistent=false, data="eNpjYYAARigNAABYAAY="}
  %wide = cast %x {dtype=f32}
  return %wide, %table, %x
}
"""
    model = emit_onnx(parse(text))
    onnx.checker.check_model(model, full_check=True)
    assert stored(model, "table").tolist() == [4, 1]


def test_weights_that_do_not_fit_are_all_named(blocks: Module) -> None:
    given = tensors_of(instantiate(blocks))
    del given["head.bias"]
    given["shift"] = torch.zeros(5, 1, 1)
    with pytest.raises(NascError) as caught:
        emit_onnx(blocks, given)
    assert str(caught.value) == (
        "error: weight shift is float[5,1,1]\n"
        "  in @main, %shift\n"
        "  help: expected f32[6,1,1]\n"
        "error: there is no weight head.bias: f32[3]\n"
        "  in @main, %head, layer head, at net.py:12:9\n"
        "  help: did you mean 'head.weight'?"
    )


def test_unknown_opset(blocks: Module) -> None:
    with pytest.raises(NascError, match="there is no opset 12 here\n  help: expected 18 to 26"):
        emit_onnx(blocks, opset=12)


def test_large_weights_stand_beside_the_file(blocks: Module, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    live = instantiate(blocks)
    assert write_onnx(path, blocks, tensors_of(live)) == ("model.onnx",)
    whole = onnx.load(path)
    assert write(path, blocks, tensors_of(live), 20, False, limit=100) == ("model.onnx", "model.onnx.data")
    onnx.checker.check_model(path, full_check=True)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]
    assert stored(onnx.load(path), "third.conv.weight").equal(stored(whole, "third.conv.weight"))


def test_nothing_is_left_where_writing_fails(blocks: Module, tmp_path: Path) -> None:
    with pytest.raises(NascError, match="help: name a file in a folder that exists"):
        write_onnx(tmp_path / "none" / "model.onnx", blocks)
    (tmp_path / "taken.onnx").mkdir()
    with pytest.raises(NascError, match="cannot be written"):
        write_onnx(tmp_path / "taken.onnx", blocks)
    assert [found.name for found in tmp_path.iterdir()] == ["taken.onnx"]


def test_weights_that_nothing_reads_are_left_out() -> None:
    text = """\
nasc 1

graph @main(%x: f32[N,4]) -> f32[N,4] {
  %used = parameter {key="used", shape=[4]}
  %left = parameter {key="left", shape=[4]}
  %sum = add %x, %used
  return %sum
}
"""
    assert [tensor.name for tensor in emit_onnx(parse(text)).graph.initializer] == ["used"]


def test_a_long_chain_is_written(compare: Compare) -> None:
    lines = [f"  %v{i} = relu %v{i - 1}" for i in range(1, 2001)]
    text = "nasc 1\n\ngraph @main(%v0: f32[N,2]) -> f32[N,2] {\n" + "\n".join(lines) + "\n  return %v2000\n}\n"
    assert len(emit_onnx(parse(text)).graph.node) == 2000


def test_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = (EXAMPLES.parent / "docs" / "emit_onnx.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (tmp_path / "example.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py")
    assert onnx.load("model.onnx").opset_import[0].version == 23
