"""What an op is to the predictor: one of a dozen kinds of computation, or something that it looks through."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Kind(IntEnum):
    """Kinds of nodes. The values are stored in weight files: add new ones at the end."""

    MASKED = 0
    CONV = 1
    ATTENTION = 2
    MAX_POOL = 3
    AVG_POOL = 4
    GLOBAL_POOL = 5
    ADD = 6
    MUL = 7
    CAT = 8
    NORM = 9
    ACTIVATION = 10
    RESAMPLE = 11
    LOOKUP = 12
    ZERO = 13
    PASS = 14


def _table() -> Mapping[str, Kind]:
    names = {
        Kind.CONV: "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d linear lstm gru rnn",
        Kind.ATTENTION: "scaled_dot_product_attention matmul einsum",
        Kind.MAX_POOL: "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices",
        Kind.AVG_POOL: "avg_pool1d avg_pool2d avg_pool3d",
        Kind.GLOBAL_POOL: "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d"
        " adaptive_max_pool2d adaptive_max_pool3d adaptive_max_pool2d_with_indices mean sum amax amin std var",
        Kind.ADD: "add sub rsub maximum minimum",
        Kind.MUL: "mul div",
        Kind.CAT: "cat stack",
        Kind.NORM: "batch_norm layer_norm rms_norm group_norm normalize",
        Kind.ACTIVATION: "relu relu6 leaky_relu prelu elu selu gelu silu mish hardswish hardsigmoid hardtanh"
        " sigmoid tanh softplus softmax log_softmax glu erf exp pow sqrt rsqrt abs",
        Kind.RESAMPLE: "interpolate pixel_shuffle pixel_unshuffle",
        Kind.LOOKUP: "embedding",
    }
    return MappingProxyType({name: kind for kind, text in names.items() for name in text.split()})


KIND_OF: Mapping[str, Kind] = _table()
"""Kind by op name; an op that is not listed moves data and is looked through (``Kind.PASS``)."""

FOLDED = frozenset({Kind.NORM, Kind.ACTIVATION})
"""Kinds that belong to the convolution (or other computation) beside them where nothing reads between."""

JOINING = frozenset({Kind.ADD, Kind.MUL, Kind.CAT, Kind.ATTENTION})
"""Kinds that only compute where at least two operands depend on the input; else they are looked through."""
