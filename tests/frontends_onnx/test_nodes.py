"""A sample of ONNX's own node tests; `python -m benchmarks.onnx_nodes` runs all of them."""

import importlib
import warnings
from typing import Any

import pytest

from nasc.benchmarks.onnx_nodes import Outcome, outcome

MODULES = """add batch_normalization cast clip concat conv convtranspose cumsum depthtospace einsum expand
    gather gathernd gelu gemm groupnormalization hardsigmoid instance_normalization layernormalization lrn
    lstm matmul mean onehot pad prelu quantizelinear reduce_log_sum_exp reducemax resize rnn scatternd shape
    slice softmax split swish trilu transpose unsqueeze""".split()
# Tests that nasc refuses or answers otherwise, and what it says.
EXPECTED = {
    "test_lstm_with_peepholes": "LSTM with clip, input_forget or peepholes",
    "test_batchnorm_example_training_mode": "BatchNormalization is in training mode",
    "test_batchnorm_epsilon_training_mode": "BatchNormalization is in training mode",
    "test_quantizelinear_blocked_asymmetric": "QuantizeLinear by blocks",
    "test_quantizelinear_blocked_symmetric": "QuantizeLinear by blocks",
}
SKIPPED = ("has elements of type", "changed since then")


def cases(module: str) -> list[Any]:
    """The tests of one module of onnx's, which it makes as it is imported."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = len(node._NodeTestCases)
        importlib.import_module(f"onnx.backend.test.case.node.{module}")
    made = node._NodeTestCases[before:]
    return [case for case in made if "expanded" not in case.name]


@pytest.mark.parametrize("module", MODULES)
def test_operators_do_what_onnx_says(module: str) -> None:
    wrong: dict[str, Outcome] = {}
    found = cases(module)
    for case in found:
        result = outcome(case)
        expected = EXPECTED.get(case.name)
        if expected is not None:
            assert result == Outcome("refused", expected)
        elif result.status != "passed" and not any(text in result.reason for text in SKIPPED):
            wrong[case.name] = result
    assert found
    assert wrong == {}
