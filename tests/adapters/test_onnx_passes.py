"""Passes of onnx_ir: notes at the nodes of a model that nasc did not write, and the model written anew."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnx_ir = pytest.importorskip("onnx_ir")
runtime = pytest.importorskip("onnxruntime")

from nasc.adapters.onnx_passes import (  # noqa: E402
    MACS,
    PARAMS,
    RELEVANCE,
    CheckPass,
    CostPass,
    OutlinePass,
    RelevancePass,
)
from nasc.backends import emit_onnx  # noqa: E402
from nasc.frontends import lower_source  # noqa: E402
from nasc.ir import Module, NascError  # noqa: E402

TEXT = """\
<ir_version: 10, opset_import: ["" : 20, "own" : 1]>
net (float[N,3,8,8] x) => (float[N,5] y)
<float[4,3,3,3] w = {WEIGHT}, float[4,5] m = {MATRIX}, float[5] b = {0,0,0,0,0}> {
  conv = Conv <kernel_shape = [3,3], pads = [1,1,1,1]> (x, w)
  act = own.twice (conv)
  pool = GlobalAveragePool (act)
  flat = Flatten (pool)
  product = MatMul (flat, m)
  y = Add (product, b)
}
<domain: "own", opset_import: ["" : 20]>
twice (a) => (c) {
  r = Relu (a)
  c = Sigmoid (r)
}
""".replace("WEIGHT", ",".join(["0.5"] * 108)).replace("MATRIX", ",".join(["0.25"] * 20))


@pytest.fixture
def model() -> Any:
    return onnx_ir.from_proto(onnx.parser.parse_model(TEXT))


def notes(model: Any, key: str) -> dict[str, str]:
    nodes = [*model.graph, *(node for function in model.functions.values() for node in function)]
    return {node.op_type: node.metadata_props[key] for node in nodes if key in node.metadata_props}


def test_costs_stand_at_the_nodes(model: Any) -> None:
    assert CostPass()(model).modified
    params = notes(model, PARAMS)
    assert params["Conv"] == "108"
    assert int(params.get("MatMul", 0)) + int(params.get("Add", 0)) == 25
    assert {"Relu", "Sigmoid", "GlobalAveragePool"} <= params.keys()
    assert notes(model, MACS)["Conv"] == str(108 * 64)
    assert model.metadata_props[PARAMS] == "133"
    assert not CostPass()(model).modified


def test_relevance_stands_at_the_nodes(model: Any) -> None:
    def score(module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
        kinds = {node.name: node.op.name for node in module.main.nodes}
        return [1.0 - sum(0.5 if kinds[name] == "conv2d" else 0.125 for name in mask) for mask in masks]

    RelevancePass(score)(model)
    found = notes(model, RELEVANCE)
    assert found["Conv"] == "+1.0"
    assert found["Relu"] == "+0.25"


def test_limits_are_held(model: Any) -> None:
    assert not CheckPass(max_params="1k", max_macs="10k")(model).modified
    with pytest.raises(NascError, match="133 parameters"):
        CheckPass(max_params=100)(model)


def test_repeated_blocks_become_functions_that_compute_the_same() -> None:
    lowered = lower_source("nb201:|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|")
    proto = emit_onnx(lowered.module)
    made = OutlinePass()(onnx_ir.from_proto(proto)).model
    again = onnx_ir.to_proto(made)
    onnx.checker.check_model(again, full_check=True)
    assert len(again.functions) > 0
    assert len(again.graph.node) < len(proto.graph.node) // 2
    x = np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32)
    expected, actual = (
        runtime.InferenceSession(m.SerializeToString()).run(None, {m.graph.input[0].name: x})[0] for m in (proto, again)
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
