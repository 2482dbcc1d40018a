"""The seven networks in Keras; images are channels-last here."""

from typing import Any

import keras
from keras import layers

CLASSES = 10


def conv(x: Any, width: int, size: int = 3, stride: int = 1, bias: bool = True) -> Any:
    """Return a convolution padded by half the kernel, on both sides alike."""
    if size > 1 and stride > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
        return layers.Conv2D(width, size, stride, use_bias=bias)(x)
    return layers.Conv2D(width, size, stride, padding="same", use_bias=bias)(x)


def norm(x: Any) -> Any:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def small_cnn(x: Any) -> Any:
    x = layers.MaxPooling2D(2)(layers.ReLU()(conv(x, 16)))
    x = layers.MaxPooling2D(2)(layers.ReLU()(conv(x, 32)))
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def residual_block(x: Any, out: int, stride: int) -> Any:
    y = layers.ReLU()(norm(conv(x, out, 3, stride, bias=False)))
    y = norm(conv(y, out, bias=False))
    if stride > 1:
        x = norm(conv(x, out, 1, stride, bias=False))
    return layers.ReLU()(layers.Add()([y, x]))


def residual(x: Any) -> Any:
    x = layers.ReLU()(norm(conv(x, 16, bias=False)))
    x = residual_block(residual_block(x, 16, 1), 32, 2)
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def inverted_residual_block(x: Any, out: int, stride: int) -> Any:
    width = x.shape[-1]
    y = layers.ReLU(6.0)(norm(conv(x, width * 4, 1, bias=False)))
    y = layers.ZeroPadding2D(1)(y)
    y = layers.ReLU(6.0)(norm(layers.DepthwiseConv2D(3, stride, use_bias=False)(y)))
    y = norm(conv(y, out, 1, bias=False))
    return layers.Add()([x, y]) if stride == 1 and width == out else y


def inverted_residual(x: Any) -> Any:
    x = layers.ReLU(6.0)(norm(conv(x, 16, 3, 2, bias=False)))
    x = inverted_residual_block(inverted_residual_block(x, 16, 1), 24, 2)
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def inception(x: Any) -> Any:
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)

    def branch(x: Any, width: int, size: int) -> Any:
        return layers.Conv2D(width, size, padding="same", activation="relu")(x)

    a = branch(x, 8, 1)
    b = branch(branch(x, 8, 1), 16, 3)
    c = branch(branch(x, 4, 1), 8, 5)
    d = branch(layers.MaxPooling2D(3, 1, padding="same")(x), 8, 1)
    x = layers.Concatenate()([a, b, c, d])
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def squeeze_excite(x: Any) -> Any:
    x = layers.ReLU()(norm(conv(x, 32, bias=False)))
    gate = layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D()(x))
    gate = layers.Dense(32, activation="sigmoid")(gate)
    x = layers.Multiply()([x, layers.Reshape((1, 1, 32))(gate)])
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def encoder_layer(x: Any) -> Any:
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(4, 8)(y, y)])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.Dense(64, activation="gelu")(y)
    return layers.Add()([x, layers.Dense(32)(y)])


def transformer_encoder(x: Any) -> Any:
    x = layers.LayerNormalization(epsilon=1e-6)(encoder_layer(encoder_layer(x)))
    return layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(x))


def unet(x: Any) -> Any:
    def twice(x: Any, width: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        return x

    skip = twice(x, 16)
    x = twice(layers.MaxPooling2D(2)(skip), 32)
    x = layers.Concatenate()([layers.Conv2DTranspose(16, 2, 2)(x), skip])
    return layers.Conv2D(2, 1)(twice(x, 16))


def build(name: str) -> Any:
    """Return one of the networks."""
    x = keras.Input((16, 32) if name == "transformer_encoder" else (32, 32, 3))
    return keras.Model(x, globals()[name](x))
