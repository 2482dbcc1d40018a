"""Every op of the table is written as ONNX and computes in onnxruntime what the emitted PyTorch computes."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nasc.backends import emit_onnx
from nasc.backends.onnx.ops import INEXPRESSIBLE, WRITERS
from nasc.ir import OPS, Builder, DType, NascError, TensorType, f32, symbol

Compare = Callable[..., Any]
N = symbol("N")


def op_table() -> ModuleType:
    """Return the samples that the PyTorch backend is tested with."""
    path = Path(__file__).parent.parent / "backends" / "test_ops.py"
    spec = importlib.util.spec_from_file_location("op_samples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = op_table()


def sample(name: str, **changes: Any) -> Any:
    b = TABLE.sample(name, **changes)
    return b.module(*b.nodes[-1].results)


def test_every_op_has_a_fact_a_function_or_a_reason() -> None:
    spelled = {name for name, op in OPS.items() if op.onnx is not None}
    assert set(OPS) - spelled - set(WRITERS) - set(INEXPRESSIBLE) == {"call"}
    assert not set(INEXPRESSIBLE) & (spelled | set(WRITERS))


@pytest.mark.parametrize("name", sorted(set(TABLE.SAMPLES) - set(INEXPRESSIBLE)))
def test_op_computes_the_same(name: str, compare: Compare) -> None:
    compare(sample(name))


@pytest.mark.parametrize(("name", "changes"), TABLE.CHANGES)
def test_attributes_reach_the_node(name: str, changes: dict[str, Any], compare: Compare) -> None:
    compare(sample(name, **changes))


MORE: list[tuple[str, tuple[TensorType, ...], dict[str, Any]]] = [
    ("adaptive_avg_pool2d", (f32(N, 2, 7, 5),), {"output_size": (3, 2)}),
    ("adaptive_max_pool2d", (f32(N, 2, 7, 5),), {"output_size": (3, 2)}),
    ("avg_pool2d", (f32(N, 2, 7, 7),), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("interpolate", (f32(N, 2, 7, 5),), {"size": (4, 9), "mode": "nearest"}),
    ("interpolate", (f32(N, 2, 7, 5),), {"size": (4, 9), "mode": "nearest-exact"}),
    ("interpolate", (f32(N, 2, 7, 5),), {"size": (4, 9), "mode": "bilinear", "align_corners": True}),
    ("interpolate", (f32(N, 2, 7, 5),), {"size": (9, 1), "mode": "bicubic"}),
    ("interpolate", (f32(N, 2, 7),), {"size": (11,), "mode": "linear"}),
    ("interpolate", (f32(N, 2, 3, 4, 5),), {"size": (4, 2, 7), "mode": "trilinear"}),
    ("pad", (f32(N, 2, 5, 5),), {"pad": (1, 2, 1, 0), "mode": "circular"}),
    ("pad", (f32(N, 2, 5, 5),), {"pad": (-1, 2, 0, 1), "mode": "constant"}),
    ("pad", (f32(N, 2, 5, 5),), {"pad": (1, 2, 0, 1), "mode": "replicate"}),
    ("roll", (f32(N, 2, 5, 5),), {"shifts": (-7, 5), "dims": (2, 3)}),
    ("vector_norm", (f32(N, 4),), {"ord": float("inf"), "dim": 1}),
    ("vector_norm", (f32(N, 4),), {"ord": 3.0, "dim": 1}),
    ("vector_norm", (f32(N, 4),), {"ord": 0.0, "dim": 1}),
    ("normalize", (f32(N, 4),), {"p": 1.0}),
    ("var", (f32(N, 4),), {}),
    ("softplus", (f32(N, 4),), {"beta": 2.0}),
    ("softplus", (f32(N, 4),), {"beta": 2.0, "threshold": 0.5}),
    ("avg_pool2d", (f32(N, 2, 5, 8),), {"kernel_size": 3, "stride": 2, "ceil_mode": True, "divisor_override": 4}),
    ("add", (TensorType(DType.I64, (N, 4)), f32(N, 4)), {}),
    ("div", (TensorType(DType.I64, (N, 4)),), {"other": 2}),
    ("floor_divide", (TensorType(DType.I64, (N, 4)),), {"other": -3}),
    ("remainder", (TensorType(DType.I64, (N, 4)),), {"other": -3}),
    ("remainder", (f32(N, 4),), {"other": -0.3}),
    ("sum", (TensorType(DType.BOOL, (N, 4)),), {"dim": 1}),
    ("lt", (TensorType(DType.I64, (N, 4)),), {"other": 1.5}),
    ("exp", (TensorType(DType.I64, (N, 4)),), {}),
    ("flatten", (f32(N, 2, 3, 4),), {"start_dim": 1}),
    ("reshape", (f32(N, 2, 3),), {"shape": (N * 2, 3)}),
    ("reshape", (f32(N, symbol("L"), 4),), {"shape": (N, symbol("L") * 2, 2)}),
    ("linear", (f32(N, 4),), {"out_features": 3, "bias": False}),
    ("linear", (f32(4),), {"out_features": 3}),
    ("sort", (f32(N, 4),), {"descending": True}),
    ("scaled_dot_product_attention", (f32(N, 2, 3, 4), f32(N, 2, 5, 4), f32(N, 2, 5, 4), f32(3, 5)), {}),
    (
        "scaled_dot_product_attention",
        (f32(N, 2, 3, 4), f32(N, 2, 5, 4), f32(N, 2, 5, 4), TensorType(DType.BOOL, (3, 5))),
        {},
    ),
    ("scaled_dot_product_attention", (f32(N, 4, 3, 4), f32(N, 2, 5, 4), f32(N, 2, 5, 4)), {"enable_gqa": True}),
]


@pytest.mark.parametrize(("name", "types", "attributes"), MORE)
def test_less_common_forms(
    name: str, types: tuple[TensorType, ...], attributes: dict[str, Any], compare: Compare
) -> None:
    b = Builder()
    inputs = [b.input(f"x{i}", type) for i, type in enumerate(types)]
    b.add(OPS[name](**attributes), inputs, path="layer")
    compare(b.module(*b.nodes[-1].results))


VERSIONED = [
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("rms_norm", {}),
    ("grid_sample", {"mode": "bicubic"}),
    ("group_norm", {}),
]


@pytest.mark.parametrize("opset", [18, 26])
@pytest.mark.parametrize(("name", "changes"), VERSIONED)
def test_older_and_newer_opsets(name: str, changes: dict[str, Any], opset: int, compare: Compare) -> None:
    model = compare(sample(name, **changes), opset=opset)
    assert [given.version for given in model.opset_import] == [opset]


def fails(module: Any, **options: Any) -> str:
    with pytest.raises(NascError) as caught:
        emit_onnx(module, **options)
    return str(caught.value)


def test_what_onnx_cannot_express_names_the_op_and_the_layer() -> None:
    b = Builder()
    x = b.input("x", f32(N, 6, 4))
    b.add(OPS["lstm"](hidden_size=3, proj_size=2), [x], path="encoder.rnn")
    y = b.input("y", f32(N, 2, 5, 5))
    b("pad", y, pad=(1, 1), mode="circular", path="stem")
    assert fails(b.module(b.nodes[0].name, b.nodes[1].name), opset=18) == (
        "error: ONNX cannot express lstm with a projection\n"
        "  in @main, %encoder.rnn, layer encoder.rnn\n"
        "  help: leave proj_size out, or emit PyTorch\n"
        "error: ONNX cannot express circular padding before opset 19\n"
        "  in @main, %stem.pad, layer stem\n"
        "  help: give --opset 19 or a newer one"
    )


def test_pooling_into_unequal_parts_has_no_places() -> None:
    assert fails(sample("adaptive_max_pool2d_with_indices", output_size=3)) == (
        "error: ONNX cannot express adaptive_max_pool2d_with_indices with parts of unequal size, [8, 8] into [3, 3]\n"
        "  in @main, %layer.adaptive_max_pool2d_with_indices, layer layer\n"
        "  help: choose an output size that divides the input's"
    )


def test_sizes_that_onnx_wants_as_numbers_are_named() -> None:
    b = Builder()
    x = b.input("x", f32(N, 3, symbol("H"), 8))
    b("adaptive_avg_pool2d", x, output_size=2, path="pool")
    assert fails(b.module(b.nodes[-1].name)) == (
        "error: ONNX needs the size of the input of adaptive_avg_pool2d as a number, not H\n"
        "  in @main, %pool.adaptive_avg_pool2d, layer pool\n"
        "  help: give the inputs fixed sizes there"
    )
