"""SavedModels and functions of tf.function: all tests that need TensorFlow, so that it is imported once."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

if not find_spec("tensorflow") or not find_spec("tf2onnx"):
    pytest.skip("tensorflow-cpu and tf2onnx are not installed", allow_module_level=True)

from nasc.frontends import lower_source
from nasc.frontends.tensorflow import lower_function
from nasc.grammar import parse
from nasc.ir import DType, NascError, TensorType, f32
from nasc.passes import network_digest
from nasc.tests.digests.networks import NETWORKS

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow and tf2onnx use what others have deprecated
DIGESTS = Path(__file__).parent.parent / "digests"
SAVED = ("small_cnn", "inception", "squeeze_excite", "unet")  # the others are lowered as functions, which is faster
FUNCTION = """\
import tensorflow as tf

weight = tf.Variable(tf.ones([3, 3, 3, 4]) / 7, name="stem/kernel")


@tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)])
def stem(image):
    return tf.nn.relu(tf.nn.conv2d(image, weight, 2, "SAME"))


@tf.function
def loose(image):
    return tf.nn.avg_pool2d(image, 3, 2, "SAME")
"""


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    """Return TensorFlow, imported as the frontend imports it."""
    from nasc.frontends.tensorflow.runtime import tensorflow

    return tensorflow()


def refusal(source: str, *inputs: str) -> str:
    """Return what is said of a source that cannot be lowered."""
    with pytest.raises(NascError) as error:
        lower_source(source, inputs)
    return str(error.value)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_that_of_pytorch(name: str, tf: ModuleType, tmp_path: Path, built: Callable[..., Any]) -> None:
    from nasc.tests.digests.tensorflow_networks import build, save

    network, function = build(name)
    if name in SAVED:
        save(network, function, str(tmp_path / "saved"))
        lowered = lower_source(str(tmp_path / "saved"))
    else:
        lowered = lower_function(function)
    written = parse((DIGESTS / f"{name}.nasc").read_text(encoding="utf-8"))
    assert network_digest(lowered.module) == network_digest(written)
    order = [int(axis) for axis in str(lowered.module.notes["input_axes"])]
    x = torch.randn(2, 16, 32) if len(order) == 3 else torch.randn(2, 32, 32, 3)
    wanted = torch.from_numpy(network(x.numpy()).numpy())
    with torch.no_grad():
        got = built(lowered)(x.permute(order))
    wanted = wanted.permute([int(axis) for axis in str(lowered.module.notes["output_axes"])])
    assert (got - wanted).abs().max() <= 1e-4 * wanted.abs().max()


def test_weights_are_named_after_what_holds_them(tf: ModuleType, tmp_path: Path) -> None:
    class Layer(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(tf.random.normal([3, 4]))
            self.bias = tf.Variable(tf.zeros([4]))

    class Net(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [Layer(), Layer()]
            self.head = Layer()

        def __call__(self, x: Any) -> Any:
            return sum(tf.matmul(x, layer.kernel) + layer.bias for layer in (*self.blocks, self.head))

    net = Net()
    function = tf.function(net.__call__).get_concrete_function(tf.TensorSpec([None, 3], name="x"))
    tf.saved_model.save(net, str(tmp_path / "saved"), signatures=function)
    lowered = lower_source(str(tmp_path / "saved"))
    paths = [node.path for node in lowered.module.main.nodes if node.op.name == "linear"]
    assert sorted(paths) == ["blocks.0", "blocks.1", "head"]
    assert {key.rpartition(".")[2] for key in lowered.weights} == {"weight", "bias"}
    assert [value.name for value in lowered.module.main.inputs] == ["x"]


def test_function_of_a_file(tf: ModuleType, tmp_path: Path, built: Callable[..., Any]) -> None:
    path = tmp_path / "functions.py"
    path.write_text(FUNCTION, encoding="utf-8")
    lowered = lower_source(f"{path}:stem")
    assert sorted(lowered.weights) == ["stem.weight"]
    (remark,) = lowered.diagnostics
    assert remark.render() == (
        "note: input image is channels-first: f32[N,3,8,8] where TensorFlow takes (None, 8, 8, 3)\n"
        "  help: permute it by 0312"
    )
    pooled = lower_source(f"{path}:loose", ["1x9x10x2"])
    x = torch.randn(2, 9, 10, 2)
    wanted = torch.from_numpy(tf.nn.avg_pool2d(x.numpy(), 3, 2, "SAME").numpy()).permute(0, 3, 1, 2)
    assert torch.allclose(built(pooled)(x.permute(0, 3, 1, 2)), wanted, atol=1e-5)
    assert refusal(f"{path}:loose") == (
        "error: the function does not say what it takes\n"
        f"  help: nasc lower {path}:loose --input 1x224x224x3, or give tf.function an input_signature"
    )


def test_operations_that_nasc_or_onnx_lacks(tf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    function = tf.function(lambda x: tf.linalg.svd(x, compute_uv=False))
    assert refused(function, [f32(1, 4, 4)]) == (
        "<model>: error: nasc has no op for Svd: Svd\n"
        "  in %Svd\n"
        "  help: write it with operators that nasc has, or as a function of the model"
    )

    def fail(*arguments: Any, **named: Any) -> None:
        raise ValueError("no way\nfurther lines")

    monkeypatch.setattr("tf2onnx.tfonnx.process_tf_graph", fail)
    assert refused(function, [f32(1, 4, 4)]) == (
        "error: tf2onnx cannot convert the function: no way\n  help: write it with operations that ONNX has"
    )


def test_function_that_fails(tf: ModuleType) -> None:
    said = refused(tf.function(lambda x: tf.matmul(x, tf.ones([5, 2]))), [f32(1, 4)])
    assert refused(tf.function(tf.nn.relu), [TensorType(DType.BF16, (1, 4))]) == (
        "error: a tf.function takes no bf16 here\n  help: expected one of f32, f64, f16, i64, i32, u8, bool"
    )
    assert said.startswith("error: the function cannot be traced: ")
    assert said.endswith("\n  help: run the function with python to see the whole traceback")


def refused(function: Any, types: Sequence[TensorType]) -> str:
    """Return what is said of a function that cannot be lowered."""
    with pytest.raises(NascError) as error:
        lower_function(function, types)
    return str(error.value)


def test_folders_that_hold_no_model(tf: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    assert refusal(str(folder)) == (
        f"error: {folder} is a folder without saved_model.pb\n"
        "  help: expected the folder that tf.saved_model.save wrote"
    )
    (folder / "saved_model.pb").write_bytes(b"\xff\xfe no protobuf")
    said = refusal(str(folder))
    assert said.startswith(f"error: {folder} cannot be loaded: ")
    assert said.endswith("\n  help: it may be damaged")
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    assert refusal(str(tmp_path / "bare")) == (
        f"error: {tmp_path / 'bare'} has no signature\n"
        "  help: save it with tf.saved_model.save(model, folder, signatures=model.fn.get_concrete_function(spec))"
    )
