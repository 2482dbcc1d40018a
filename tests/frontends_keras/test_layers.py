"""Every layer of Keras that has a rule, alone and in company, gives what Keras gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nasc.frontends import Lowered
from nasc.frontends.keras import keras_with_torch, lower_keras
from nasc.frontends.keras.layers import LAYERS, OPERATIONS

keras: Any = keras_with_torch()
L: Any = keras.layers
ops: Any = keras.ops
Check = Callable[..., Lowered]
IMAGE = (9, 10, 4)
TEXT = (6, 8)
ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu gelu silu mish hard_silu hard_sigmoid hard_tanh sigmoid log_sigmoid tanh "
    "tanh_shrink softplus softsign exponential softmax log_softmax linear glu"
).split()
# Each row is a chain of layers on one input; a name or two in front says which rules it is about.
CHAINS: dict[str, tuple[tuple[int, ...], list[Any]]] = {
    "conv": (IMAGE, [L.Conv2D(6, 3, groups=2, dilation_rate=2, padding="same"), L.Conv2D(3, (2, 3))]),
    "depthwise": (IMAGE, [L.DepthwiseConv2D(3, 2, padding="same", depth_multiplier=2)]),
    "separable": (IMAGE, [L.SeparableConv2D(5, 3, 2, padding="same", depth_multiplier=2, activation="relu")]),
    "sequence": ((12, 4), [L.Conv1D(5, 3, padding="causal"), L.MaxPooling1D(2), L.AveragePooling1D(2), L.Flatten()]),
    "sequences": ((12, 4), [L.DepthwiseConv1D(3), L.SeparableConv1D(4, 3), L.Conv1DTranspose(3, 3, 2, padding="same")]),
    "ends of sequences": ((8, 3), [L.ZeroPadding1D((1, 2)), L.Cropping1D((0, 1)), L.UpSampling1D(2)]),
    "volume": ((5, 6, 7, 2), [L.Conv3D(4, 3, 2, padding="same"), L.MaxPooling3D(2), L.GlobalAveragePooling3D()]),
    "volumes": ((4, 4, 4, 2), [L.Conv3DTranspose(3, 2, 2), L.AveragePooling3D(2), L.GlobalMaxPooling3D()]),
    "flatten": (IMAGE, [L.Flatten(), L.Dropout(0.5), L.BatchNormalization(), L.ReLU(), L.Dense(3)]),
    "flatten to the end": (IMAGE, [L.Conv2D(2, 3), L.Flatten(), L.Softmax()]),
    "dense of maps": (IMAGE, [L.Dense(4, activation="gelu"), L.LayerNormalization(), L.Conv2D(2, 1)]),
    "relu": (IMAGE, [L.ReLU(max_value=6), L.ReLU(negative_slope=0.1, max_value=1.0), L.LeakyReLU(0.2), L.ELU(0.7)]),
    "prelu": (IMAGE, [L.PReLU(shared_axes=[1, 2]), L.Softmax(axis=1)]),
    "batch norm": (IMAGE, [L.BatchNormalization(scale=False), L.BatchNormalization(axis=1, center=False)]),
    "bare batch norm": (IMAGE, [L.BatchNormalization(center=False, scale=False)]),
    "layer norm": (TEXT, [L.LayerNormalization(), L.LayerNormalization(axis=[1, 2], center=False)]),
    "bare layer norm": (TEXT, [L.LayerNormalization(scale=False), L.LayerNormalization(scale=False, center=False)]),
    "group norm": (IMAGE, [L.GroupNormalization(2), L.GroupNormalization(-1, scale=False)]),
    "other norms": (TEXT, [L.RMSNormalization(), L.UnitNormalization()]),
    "rescaling": (IMAGE, [L.Rescaling(1 / 127.5, offset=-1), L.Rescaling([0.1, 0.2, 0.3, 0.4], offset=[1, 2, 3, 4])]),
    "edges": (IMAGE, [L.ZeroPadding2D(((0, 1), (2, 3))), L.Cropping2D(((1, 0), (0, 2))), L.UpSampling2D((2, 3))]),
    "bilinear": (IMAGE, [L.UpSampling2D(2, interpolation="bilinear")]),
    "global pooling": (IMAGE, [L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(2, 1), L.GlobalMaxPooling2D()]),
    "pooling of sequences": (TEXT, [L.Dense(3), L.GlobalMaxPooling1D(keepdims=True), L.GlobalAveragePooling1D()]),
    "adaptive pooling": (IMAGE, [L.AdaptiveAveragePooling2D((3, 5)), L.AdaptiveMaxPooling2D(2)]),
    "gate": (IMAGE, [L.GlobalAveragePooling2D(), L.Reshape((1, 1, 4)), L.Conv2D(2, 1), L.Reshape((2,))]),
    "patches": ((8, 8, 3), [L.Conv2D(6, 4, 4), L.Reshape((4, 6)), L.Dense(3), L.Reshape((2, 2, 3)), L.Conv2D(2, 1)]),
    "odd reshape": ((8, 8, 3), [L.Conv2D(6, 3, padding="same"), L.Reshape((16, -1)), L.Dense(3)]),
    "permute": ((8, 8, 3), [L.Permute((3, 1, 2)), L.Conv2D(2, 3, data_format="channels_first"), L.Permute((2, 3, 1))]),
    "channels first": ((4, 9, 9), [L.Conv2D(2, 3, 2, padding="same", data_format="channels_first")]),
    "repeat": ((4,), [L.RepeatVector(3), L.Dense(2)]),
    "lstm": ((5, 4), [L.LSTM(6, return_sequences=True), L.LSTM(3)]),
    "gru": ((5, 4), [L.GRU(6, return_sequences=True), L.GRU(3, use_bias=False)]),
    "plain recurrence": ((5, 4), [L.SimpleRNN(6, return_sequences=True, activation="relu"), L.SimpleRNN(3)]),
    "both directions": ((5, 4), [L.Bidirectional(L.LSTM(6, return_sequences=True)), L.Bidirectional(L.GRU(3))]),
    "einsum": ((5, 4), [L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")]),
    "each step": ((5, 4), [L.TimeDistributed(L.Dense(3)), L.SpatialDropout1D(0.1), L.GaussianNoise(0.1), L.Identity()]),
}


def chained(shape: tuple[int, ...], layers: list[Any], dtype: str = "float32") -> Any:
    """Return a model of layers one after the other."""
    x = start = keras.Input(shape, dtype=dtype)
    for layer in layers:
        x = layer(x)
    return keras.Model(start, x)


@pytest.mark.parametrize("name", CHAINS)
def test_chain(name: str, same: Check) -> None:
    same(chained(*CHAINS[name]))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_same_padding_is_exact(size: int, stride: int, same: Check) -> None:
    x = keras.Input(IMAGE)
    outputs = [
        layer(x)
        for layer in (
            L.Conv2D(2, size, stride, padding="same"),
            L.MaxPooling2D(size, stride, padding="same"),
            L.Conv2DTranspose(2, size, stride, padding="same"),
            L.Conv2DTranspose(2, size, stride),
        )
    ]
    same(keras.Model(x, outputs))


@pytest.mark.parametrize(("size", "stride"), [(2, 1), (3, 2), (4, 1), (4, 2), (4, 3), (5, 2), (3, 3)])
def test_average_leaves_out_what_is_not_there(size: int, stride: int, built: Callable[..., Any]) -> None:
    """As TensorFlow does; Keras 3.15's torch backend repeats the elements at an uneven edge."""
    lowered = lower_keras(chained(IMAGE, [L.AveragePooling2D(size, stride, padding="same")]))
    x = torch.randn(1, 4, 9, 10)
    for pool in (torch.neg, torch.ones_like):
        got = built(lowered)(pool(x))
        out = [-(-n // stride) for n in x.shape[2:]]
        for row, column in ((0, 0), (out[0] - 1, out[1] - 1), (out[0] // 2, 0)):
            window = pool(x)
            for axis, (n, place) in enumerate(zip(x.shape[2:], (row, column), strict=True), 2):
                before = max((-(-n // stride) - 1) * stride + size - n, 0) // 2
                first = place * stride - before
                window = window.narrow(axis, max(first, 0), min(first + size, n) - max(first, 0))
            assert torch.allclose(got[:, :, row, column], window.mean((2, 3)), atol=1e-6)


def test_activations(same: Check) -> None:
    x = keras.Input((3, 3, 4))
    same(keras.Model(x, [L.Conv2D(4, 1, activation=name)(x) for name in ACTIVATIONS]))


def test_embedding(same: Check) -> None:
    same(chained((6,), [L.Embedding(10, 4), L.Flatten(), L.Dense(2)], "int32"))


def test_attention(same: Check) -> None:
    x, y = keras.Input(TEXT), keras.Input((5, 8))
    outputs = [
        L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
        L.MultiHeadAttention(2, 4, value_dim=3, use_bias=False)(x, y),
    ]
    same(keras.Model([x, y], outputs))


def test_merging(same: Check) -> None:
    x = keras.Input(IMAGE)
    a, b = L.Conv2D(4, 3, padding="same")(x), L.Conv2D(4, 1)(x)
    merges = [L.Add(), L.Subtract(), L.Multiply(), L.Maximum(), L.Minimum(), L.Average(), L.Concatenate()]
    merges.append(keras.src.applications.inception_resnet_v2.CustomScaleLayer(0.5))
    gate = L.Reshape((1, 1, 4))(L.Dense(4, activation="sigmoid")(L.GlobalAveragePooling2D()(a)))
    same(keras.Model(x, [*(merge([a, b]) for merge in merges), L.Concatenate(axis=1)([a, b]), L.Multiply()([a, gate])]))


def test_operations(same: Check) -> None:
    x = keras.Input(IMAGE)
    a, b = L.Conv2D(4, 3, padding="same")(x), L.Conv2D(4, 1)(x)
    flat = ops.reshape(a, (-1, 90, 4))
    outputs = [
        (a + 1) * 2 - b / 3 + (1 - a) * (2 / (b * b + 1)),
        a * np.array([1, 2, 3, 4.0], "float32") + np.ones((9, 10, 4), "float32"),
        *(reduce(a, axis=(1, 2)) for reduce in (ops.mean, ops.max, ops.min, ops.sum)),
        *(reduce(a, axis=-1, keepdims=True) for reduce in (ops.var, ops.std)),
        ops.transpose(a, (0, 3, 1, 2)),
        ops.expand_dims(ops.mean(a, axis=(1, 2)), 1),
        ops.squeeze(ops.mean(a, axis=1, keepdims=True), 1),
        *(a[:, ::2, 1:], a[..., 0], a[:, 0, :, None]),
        ops.concatenate(ops.split(a, 2, axis=-1)[::-1], axis=-1),
        ops.relu(ops.tanh(ops.exp(ops.clip(ops.square(ops.abs(a)), 0, 1)))),
        ops.matmul(flat, ops.swapaxes(ops.reshape(b, (-1, 90, 4)), 1, 2)),
        ops.einsum("abc,adc->abd", flat, flat),
        ops.stack([a, b], axis=1),
        ops.maximum(a, b) ** 2,
    ]
    same(keras.Model(x, outputs))


def test_nested_models_and_shared_layers(same: Check) -> None:
    x = keras.Input(IMAGE)
    block = keras.Sequential([L.Conv2D(4, 3, padding="same", name="conv"), L.ReLU()], name="block")
    dense = L.Dense(4, name="head")
    lowered = same(keras.Model(x, [dense(block(block(x))), dense(x)]))
    assert sorted(lowered.weights) == ["block.conv.bias", "block.conv.weight", "head.bias", "head.weight"]
    assert lowered.module.main.scopes["block"] == "Sequential"


def test_every_rule_is_for_a_class_of_keras() -> None:
    known = {cls.__name__ for cls in descendants(keras.Operation) if cls.__module__.startswith("keras.")}
    assert set(LAYERS) | set(OPERATIONS) <= known


def descendants(cls: type) -> set[type]:
    """Return a class and all that derive from it."""
    found: set[type] = {cls}
    children: list[type] = cls.__subclasses__()
    for child in children:
        found |= descendants(child)
    return found
