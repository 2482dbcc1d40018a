"""Small ONNX models for the tests: made by hand, and exported by PyTorch."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

Shape = list[int | str]


def model(
    nodes: list[NodeProto],
    weights: dict[str, Any] | None = None,
    shape: Shape | None = None,
    output: str = "y",
    opset: int = 20,
    functions: list[Any] | None = None,
) -> ModelProto:
    """A model of one input x and one output."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape or ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=imports, functions=functions or [], ir_version=10)


def exported(network: nn.Module, *inputs: Tensor) -> ModelProto:
    """A model that torch.onnx writes, its batch open."""
    file: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            inputs,
            file,
            dynamo=False,
            opset_version=17,
            input_names=["x"],
            dynamic_axes={"x": {0: "batch"}},
        )
    return onnx.load_model_from_string(file.getvalue())


def reference(proto: ModelProto, *inputs: Tensor) -> list[Tensor]:
    """What onnxruntime makes of inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    return [torch.from_numpy(array) for array in session.run(None, feed)]
