"""The seven networks in plain TensorFlow; images are channels-last here."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow

tf: Any = tensorflow
CLASSES = 10
BOTH = [[0, 0], [1, 1], [1, 1], [0, 0]]


class Network(tf.Module):  # type: ignore[misc]
    """A network whose layers are made as they are first applied, in order."""

    def __init__(self, body: Callable[["Network", Any], Any]) -> None:
        super().__init__()
        self.body = body
        self.variables_made: list[Any] = []
        self.rng = np.random.default_rng(0)
        self.position = 0

    def variable(self, *shape: int) -> Any:
        if self.position == len(self.variables_made):
            value = self.rng.uniform(0.5, 1.0, shape).astype("float32")
            self.variables_made.append(tf.Variable(value, name=f"layer{self.position}"))
        self.position += 1
        return self.variables_made[self.position - 1]

    def __call__(self, x: Any) -> Any:
        self.position = 0
        return self.body(self, x)


def conv(net: Network, x: Any, width: int, size: int = 3, stride: int = 1, bias: bool = True) -> Any:
    """Return a convolution padded by half the kernel, on both sides alike."""
    kernel = net.variable(size, size, x.shape[-1], width)
    if size > 1 and stride > 1:
        y = tf.nn.conv2d(tf.pad(x, BOTH), kernel, stride, "VALID")
    else:
        y = tf.nn.conv2d(x, kernel, stride, "SAME")
    return tf.nn.bias_add(y, net.variable(width)) if bias else y


def norm(net: Network, x: Any) -> Any:
    scale, offset, mean, variance = (net.variable(x.shape[-1]) for _ in range(4))
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)


def dense(net: Network, x: Any, width: int) -> Any:
    return tf.matmul(x, net.variable(x.shape[-1], width)) + net.variable(width)


def head(net: Network, x: Any) -> Any:
    return dense(net, tf.reduce_mean(x, [1, 2]), CLASSES)


def small_cnn(net: Network, x: Any) -> Any:
    x = tf.nn.max_pool2d(tf.nn.relu(conv(net, x, 16)), 2, 2, "VALID")
    x = tf.nn.max_pool2d(tf.nn.relu(conv(net, x, 32)), 2, 2, "VALID")
    return head(net, x)


def residual_block(net: Network, x: Any, out: int, stride: int) -> Any:
    y = tf.nn.relu(norm(net, conv(net, x, out, 3, stride, bias=False)))
    y = norm(net, conv(net, y, out, bias=False))
    if stride > 1:
        x = norm(net, conv(net, x, out, 1, stride, bias=False))
    return tf.nn.relu(y + x)


def residual(net: Network, x: Any) -> Any:
    x = tf.nn.relu(norm(net, conv(net, x, 16, bias=False)))
    return head(net, residual_block(net, residual_block(net, x, 16, 1), 32, 2))


def inverted_residual_block(net: Network, x: Any, out: int, stride: int) -> Any:
    width = x.shape[-1]
    y = tf.nn.relu6(norm(net, conv(net, x, width * 4, 1, bias=False)))
    kernel = net.variable(3, 3, width * 4, 1)
    y = tf.nn.depthwise_conv2d(tf.pad(y, BOTH), kernel, [1, stride, stride, 1], "VALID")
    y = tf.nn.relu6(norm(net, y))
    y = norm(net, conv(net, y, out, 1, bias=False))
    return x + y if stride == 1 and width == out else y


def inverted_residual(net: Network, x: Any) -> Any:
    x = tf.nn.relu6(norm(net, conv(net, x, 16, 3, 2, bias=False)))
    return head(net, inverted_residual_block(net, inverted_residual_block(net, x, 16, 1), 24, 2))


def inception(net: Network, x: Any) -> Any:
    def branch(x: Any, width: int, size: int) -> Any:
        return tf.nn.relu(conv(net, x, width, size))

    x = branch(x, 16, 3)
    a = branch(x, 8, 1)
    b = branch(branch(x, 8, 1), 16, 3)
    c = branch(branch(x, 4, 1), 8, 5)
    d = branch(tf.nn.max_pool2d(x, 3, 1, "SAME"), 8, 1)
    return head(net, tf.concat([a, b, c, d], -1))


def squeeze_excite(net: Network, x: Any) -> Any:
    x = tf.nn.relu(norm(net, conv(net, x, 32, bias=False)))
    gate = tf.nn.relu(dense(net, tf.reduce_mean(x, [1, 2]), 8))
    gate = tf.sigmoid(dense(net, gate, 32))
    return head(net, x * gate[:, None, None, :])


def layer_norm(net: Network, x: Any) -> Any:
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    y = (x - mean) * tf.math.rsqrt(variance + 1e-6)
    return y * net.variable(x.shape[-1]) + net.variable(x.shape[-1])


def linear(net: Network, x: Any, width: int) -> Any:
    return tf.matmul(x, net.variable(x.shape[-1], width)) + net.variable(width)


def encoder_layer(net: Network, x: Any, heads: int = 4) -> Any:
    _, length, width = x.shape

    def split(x: Any) -> Any:
        return tf.transpose(tf.reshape(x, [-1, length, heads, width // heads]), [0, 2, 1, 3])

    y = layer_norm(net, x)
    query, key, value = (split(linear(net, y, width)) for _ in range(3))
    scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / np.float32((width // heads) ** 0.5))
    y = tf.reshape(tf.transpose(tf.matmul(scores, value), [0, 2, 1, 3]), [-1, length, width])
    x = x + linear(net, y, width)
    y = tf.nn.gelu(linear(net, layer_norm(net, x), 2 * width))
    return x + linear(net, y, width)


def transformer_encoder(net: Network, x: Any) -> Any:
    x = layer_norm(net, encoder_layer(net, encoder_layer(net, x)))
    return dense(net, tf.reduce_mean(x, 1), CLASSES)


def unet(net: Network, x: Any) -> Any:
    def twice(x: Any, width: int) -> Any:
        return tf.nn.relu(conv(net, tf.nn.relu(conv(net, x, width)), width))

    skip = twice(x, 16)
    x = twice(tf.nn.max_pool2d(skip, 2, 2, "VALID"), 32)
    batch, height, width, _ = tf.unstack(tf.shape(x))
    up = tf.nn.conv2d_transpose(x, net.variable(2, 2, 16, 32), [batch, height * 2, width * 2, 16], 2, "VALID")
    up = tf.nn.bias_add(up, net.variable(16))
    x = twice(tf.concat([up, skip], -1), 16)
    return conv(net, x, 2, 1)


def build(name: str) -> tuple[Network, Any]:
    """Return one of the networks, and the function that it is."""
    net = Network(globals()[name])
    shape = [None, 16, 32] if name == "transformer_encoder" else [None, 32, 32, 3]
    net(tf.zeros([1, *shape[1:]]))
    return net, tf.function(net.__call__).get_concrete_function(tf.TensorSpec(shape, tf.float32, name="x"))


def save(net: Network, function: Any, folder: str) -> None:
    """Write a network as a SavedModel."""
    tf.saved_model.save(net, folder, signatures=function)
