"""Modules as ONNX models, run by onnxruntime against the PyTorch that nasc emits."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from nasc.backends import emit_onnx, instantiate
from nasc.backends.instances import tensors_of
from nasc.ir import DType, Module, TensorType, evaluate

Compare = Callable[..., onnx.ModelProto]


def tensor(type: TensorType, batch: int) -> torch.Tensor:
    shape = [evaluate(dim, batch) for dim in type.shape]
    if type.dtype.is_floating:
        return torch.rand(shape) + 0.1
    return torch.ones(shape, dtype=torch.bool if type.dtype is DType.BOOL else torch.int64)


def run(model: onnx.ModelProto, inputs: Sequence[torch.Tensor]) -> list[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    feed = {given.name: value.numpy() for given, value in zip(session.get_inputs(), inputs, strict=True)}
    return list(session.run(None, feed))


@pytest.fixture
def compare() -> Compare:
    """Emit a module, check it fully, and hold onnxruntime's results against PyTorch's, for batches of 3 and 2."""

    def check(module: Module, tolerance: float = 1e-5, **options: Any) -> onnx.ModelProto:
        torch.manual_seed(0)
        live = instantiate(module)
        model = emit_onnx(module, tensors_of(live), **options)
        onnx.checker.check_model(model, full_check=True)
        for batch in (3, 2):
            inputs = [tensor(value.type, batch) for value in module.main.inputs]
            with torch.no_grad():
                wanted = live(*inputs)
            results = run(model, inputs)
            for got, expected in zip(results, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
                given = torch.from_numpy(got)
                assert given.dtype == expected.dtype
                torch.testing.assert_close(given, expected, atol=tolerance, rtol=tolerance)
        return model

    return check
