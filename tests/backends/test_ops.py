"""Every op of the table can be written as PyTorch code, which makes tensors of the inferred types."""

from typing import Any

import pytest
import torch

from nasc.backends.pytorch.expressions import FUNCTIONS, METHODS
from nasc.ir import OPS, Builder, DType, Layer, TensorType, evaluate, f32, symbol

N = symbol("N")
IMAGE = f32(N, 4, 8, 8)
ROWS = f32(N, 6, 4)
SIGNAL = f32(N, 4, 9)
VOLUME = f32(N, 2, 5, 5, 5)
TRUTH = TensorType(DType.BOOL, (N, 4, 8, 8))
WHOLE = TensorType(DType.I64, (N, 6))

UNARY = """relu relu6 leaky_relu elu selu gelu silu mish hardswish hardsigmoid hardtanh sigmoid tanh softplus softmax
    log_softmax glu dropout feature_dropout identity exp log sqrt rsqrt reciprocal erf sin cos tan atan floor ceil
    round sign log1p expm1 neg abs prelu tril triu batch_norm mean sum prod amax amin var std vector_norm
    flatten squeeze normalize""".split()
BINARY = "add sub mul div floor_divide remainder pow maximum minimum eq ne lt le gt ge rsub".split()
LSTM = {"hidden_size": 3, "num_layers": 2, "bidirectional": True, "batch_first": True}
SAMPLES: dict[str, tuple[tuple[TensorType, ...], dict[str, Any]]] = {
    **{name: ((IMAGE,), {}) for name in UNARY},
    **{name: ((IMAGE, IMAGE), {}) for name in BINARY},
    "logical_and": ((TRUTH, TRUTH), {}),
    "logical_or": ((TRUTH, TRUTH), {}),
    "logical_not": ((TRUTH,), {}),
    "where": ((TRUTH, IMAGE, IMAGE), {}),
    "masked_fill": ((IMAGE, TRUTH), {"value": -1.0}),
    "clamp": ((IMAGE,), {"min": 0.0}),
    "cast": ((IMAGE,), {"dtype": "f16"}),
    "conv1d": ((SIGNAL,), {"out_channels": 6, "kernel_size": 3}),
    "conv2d": ((IMAGE,), {"out_channels": 6, "kernel_size": (3, 1), "groups": 2, "bias": False}),
    "conv3d": ((VOLUME,), {"out_channels": 6, "kernel_size": 3, "stride": 2}),
    "conv_transpose1d": ((SIGNAL,), {"out_channels": 6, "kernel_size": 3}),
    "conv_transpose2d": ((IMAGE,), {"out_channels": 6, "kernel_size": 2, "stride": 2}),
    "conv_transpose3d": ((VOLUME,), {"out_channels": 6, "kernel_size": 2, "stride": 2}),
    "unfold": ((IMAGE,), {"kernel_size": 3, "padding": 1}),
    "fold": ((f32(2, 8, 4),), {"output_size": 4, "kernel_size": 2, "stride": 2}),
    "linear": ((ROWS,), {"out_features": 5}),
    "embedding": ((WHOLE,), {"num_embeddings": 10, "embedding_dim": 4}),
    "matmul": ((ROWS, f32(N, 4, 3)), {}),
    "einsum": ((ROWS, f32(N, 3, 4)), {"equation": "nij,nkj->nik"}),
    "scaled_dot_product_attention": ((ROWS, ROWS, ROWS), {"is_causal": True}),
    "layer_norm": ((ROWS,), {"normalized_shape": 4, "eps": 1e-6}),
    "rms_norm": ((ROWS,), {"normalized_shape": (6, 4)}),
    "group_norm": ((IMAGE,), {"num_groups": 2}),
    "max_pool1d": ((SIGNAL,), {"kernel_size": 2}),
    "max_pool2d": ((IMAGE,), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "avg_pool1d": ((SIGNAL,), {"kernel_size": 2}),
    "avg_pool2d": ((IMAGE,), {"kernel_size": 2, "count_include_pad": False}),
    "adaptive_avg_pool1d": ((SIGNAL,), {"output_size": 3}),
    "adaptive_avg_pool2d": ((IMAGE,), {"output_size": (2, 1)}),
    "adaptive_max_pool2d": ((IMAGE,), {"output_size": 1}),
    "max_pool3d": ((VOLUME,), {"kernel_size": 2}),
    "avg_pool3d": ((VOLUME,), {"kernel_size": 2, "padding": 1}),
    "adaptive_avg_pool3d": ((VOLUME,), {"output_size": (1, 2, 3)}),
    "adaptive_max_pool1d": ((SIGNAL,), {"output_size": 3}),
    "adaptive_max_pool3d": ((VOLUME,), {"output_size": 2}),
    "max_pool2d_with_indices": ((IMAGE,), {"kernel_size": 2}),
    "adaptive_max_pool2d_with_indices": ((IMAGE,), {"output_size": 2}),
    "grid_sample": ((IMAGE, f32(N, 3, 5, 2)), {"align_corners": True}),
    "lstm": ((ROWS, f32(4, N, 3), f32(4, N, 3)), LSTM),
    "gru": ((ROWS, f32(1, N, 3)), {"hidden_size": 3, "batch_first": True}),
    "rnn": ((ROWS, f32(1, 6, 3)), {"hidden_size": 3, "nonlinearity": "relu"}),
    "interpolate": ((IMAGE,), {"size": (16, 16), "mode": "bilinear", "align_corners": False}),
    "pixel_shuffle": ((IMAGE,), {"upscale_factor": 2}),
    "pixel_unshuffle": ((IMAGE,), {"downscale_factor": 2}),
    "argmax": ((IMAGE,), {"dim": 1}),
    "cumsum": ((IMAGE,), {"dim": 1}),
    "reshape": ((IMAGE,), {"shape": (N, 4, 64)}),
    "unflatten": ((IMAGE,), {"dim": 1, "sizes": (2, 2)}),
    "permute": ((IMAGE,), {"dims": (0, 2, 3, 1)}),
    "transpose": ((IMAGE,), {"dim0": 1, "dim1": 2}),
    "unsqueeze": ((IMAGE,), {"dim": 1}),
    "expand": ((f32(1, 4), ROWS), {"shape": (N, 4)}),
    "repeat": ((IMAGE,), {"repeats": (1, 2, 1, 1)}),
    "cat": ((IMAGE, IMAGE), {"dim": 1}),
    "stack": ((IMAGE, IMAGE), {"dim": 1}),
    "split": ((IMAGE,), {"sizes": (1, 3), "dim": 1}),
    "unbind": ((IMAGE,), {"dim": 1}),
    "select": ((IMAGE,), {"dim": 1, "index": -1}),
    "slice": ((IMAGE,), {"dim": 1, "start": 1, "end": -1}),
    "topk": ((ROWS,), {"k": 2}),
    "sort": ((ROWS,), {"dim": 1, "stable": True}),
    "gather": ((ROWS, TensorType(DType.I64, (N, 2, 4))), {"dim": 1}),
    "scatter": ((ROWS, TensorType(DType.I64, (N, 2, 4)), f32(N, 2, 4)), {"dim": 1}),
    "pad": ((IMAGE,), {"pad": (1, 1)}),
    "roll": ((IMAGE,), {"shifts": 1, "dims": 2}),
    "flip": ((IMAGE,), {"dims": 2}),
    "index": ((f32(7, 3), WHOLE), {}),
    "parameter": ((), {"key": "p", "shape": (3, 4)}),
    "constant": ((), {"key": "c", "shape": (3, 4)}),
    "full": ((IMAGE,), {"shape": (N, 4), "value": 2}),
    "arange": ((), {"end": 5}),
}


def sample(name: str, **changes: Any) -> Builder:
    types, attributes = SAMPLES[name]
    b = Builder()
    inputs = [b.input(f"x{i}", t) for i, t in enumerate(types)]
    taken = {"full": 0, "expand": 1}.get(name, len(inputs))
    b.add(OPS[name](**{**attributes, **changes}), inputs[:taken], path="layer")
    return b


def run(b: Builder, load: Any) -> None:
    """Check the results of the last node against torch."""
    node = b.nodes[-1]
    model = load(b.module(*node.results)).build_model()
    tensors = [concrete(value.type) for value in b.inputs]
    results = model(*tensors)
    results = results if isinstance(results, tuple) else (results,)
    for result, expected in zip(results, node.types, strict=True):
        wanted = expected.substitute({"N": 3})
        assert tuple(result.shape) == wanted.shape
        assert str(result.dtype) == {"f32": "torch.float32", "f16": "torch.float16", "bool": "torch.bool"}.get(
            wanted.dtype.value, "torch.int64"
        )


def concrete(type: TensorType) -> torch.Tensor:
    shape = [evaluate(dim, 3) for dim in type.shape]
    if type.dtype is DType.F32:
        return torch.rand(shape)
    return torch.ones(shape, dtype=torch.bool if type.dtype is DType.BOOL else torch.int64)


def test_every_op_has_a_spelling_or_a_function() -> None:
    silent = {
        name
        for name, op in OPS.items()
        if (op.torch is None or isinstance(op.torch, Layer)) and name not in FUNCTIONS and name not in METHODS
    }
    assert silent == {"call", "parameter", "constant"}
    assert set(OPS) == set(SAMPLES) | {"call"}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_op_gives_the_inferred_types(name: str, load: Any) -> None:
    run(sample(name), load)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("mean", {"dim": (2, 3), "keepdim": True}),
    ("sum", {"keepdim": True}),
    ("var", {"dim": 1, "correction": 0.0}),
    ("std", {"dim": (1, 2)}),
    ("vector_norm", {"dim": 1, "ord": 1.0}),
    ("amax", {"dim": (2, 3)}),
    ("glu", {"dim": 1}),
    ("softmax", {"dim": 1}),
    ("squeeze", {"dim": 1}),
    ("flatten", {"start_dim": 1, "end_dim": 2}),
    ("lstm", {"bias": False, "dropout": 0.1}),
    ("scatter", {"reduce": "max"}),
    ("topk", {"largest": False, "dim": 1}),
    ("prod", {"dim": 1, "keepdim": True}),
    ("prod", {"keepdim": True}),
    ("slice", {"dim": -1, "start": -3, "end": None, "step": 2}),
    ("slice", {"dim": 0, "start": 0, "end": N - 1}),
    ("select", {"dim": 0, "index": 1}),
    ("index", {"dim": 1}),
    ("split", {"sizes": (2, 2), "dim": 1}),
    ("reshape", {"shape": (N * 4, -1)}),
    ("reshape", {"shape": (N, 8, N * 32 // N)}),
    ("expand", {"shape": (N * 2 + 1, 4)}),
    ("arange", {"start": 1, "end": 9, "step": 3, "dtype": "f32"}),
    ("full", {"shape": (), "value": 0.5}),
    ("full", {"shape": (N,), "value": True, "dtype": "bool"}),
    ("roll", {"shifts": (1, 2), "dims": (2, 3)}),
    ("flip", {"dims": (1, 2)}),
    ("pad", {"pad": (1, 1, 2, 0), "mode": "reflect"}),
    ("pad", {"pad": (1, 1), "mode": "circular"}),
    ("pad", {"pad": (1, 1, 2, 0), "value": 3.5}),
    ("clamp", {"min": None, "max": 6}),
    ("parameter", {"dtype": "i64"}),
    ("interpolate", {"mode": "bicubic", "antialias": True}),
    ("layer_norm", {"elementwise_affine": False}),
    ("layer_norm", {"bias": False}),
    ("batch_norm", {"affine": False, "track_running_stats": False, "momentum": None}),
    ("prelu", {"num_parameters": 4}),
    ("gelu", {"approximate": "tanh"}),
    ("scaled_dot_product_attention", {"scale": 0.5, "dropout_p": 0.1}),
    ("avg_pool2d", {"divisor_override": 3}),
]


@pytest.mark.parametrize(("name", "changes"), CHANGES)
def test_attributes_reach_the_code(name: str, changes: dict[str, Any], load: Any) -> None:
    run(sample(name, **changes), load)


@pytest.mark.parametrize("name", [*BINARY, "logical_and", "logical_or"])
def test_second_operand_may_be_a_number(name: str, load: Any) -> None:
    b = Builder()
    x = b.input("x", TRUTH if name.startswith("logical") else IMAGE)
    b(name, x, other=True if name.startswith("logical") else 2.5) if name not in (
        "maximum",
        "minimum",
    ) else b(name, x, x)
    run(b, load)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in sorted(SAMPLES)
        if name not in ("parameter", "constant")
        and SAMPLES[name][0]
        and OPS[name](**SAMPLES[name][1]).state(SAMPLES[name][0])
    ],
)
def test_weights_may_be_values(name: str, load: Any) -> None:
    """A layer whose weights are operands computes what the layer itself computes."""
    plain = sample(name)
    node = plain.nodes[0]
    b = Builder()
    inputs = [b.input(value.name, value.type) for value in plain.inputs]
    slots = node.op.state(tuple(value.type for value in plain.inputs))
    weights = [
        b(
            "constant" if slot.buffer else "parameter",
            key=f"layer.{slot.name}",
            shape=slot.type.shape,
            dtype=slot.type.dtype,
        )
        for slot in slots
    ]
    results = b.add(node.op, [*inputs, *weights])
    whole, parts = load(plain.module(*node.results)).build_model(), load(b.module(*results)).build_model()
    parts.load_state_dict(whole.state_dict(), strict=True)
    tensors = [concrete(value.type) for value in plain.inputs]
    for training in (False, True):
        torch.testing.assert_close(whole.train(training)(*tensors), parts.train(training)(*tensors))
