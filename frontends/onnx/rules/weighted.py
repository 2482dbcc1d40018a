"""Rules of the operators that own weights: convolutions, matrix products and normalisation.

The weights are given as operands here; afterwards they become the layer's own where they are its alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from ....ir import Dim, DType, TensorType
from ..places import unsupported
from ..site import Site, Values
from ..values import Value
from .windows import padded, window_of


def _ranked(site: Site, name: str) -> int:
    rank = site.input_type(0).rank - 2
    if rank not in (1, 2, 3):
        raise unsupported(f"{name} of {site.input_type(0)}", "expected one to three spatial axes", "rank")
    if site.input_type(1).rank != rank + 2:
        raise unsupported(f"{name} of {site.input_type(0)} with the weight {site.input_type(1)}", "", "rank")
    return rank


def _plain_shape(site: Site, index: int) -> tuple[int, ...]:
    shape = site.input_type(index).shape
    if not all(isinstance(size, int) for size in shape):
        raise unsupported(f"{site.op} has a weight of the symbolic type {site.input_type(index)}", "fix its sizes")
    return tuple(size for size in shape if isinstance(size, int))


def convolution(site: Site) -> Values:
    """Lower ``Conv``; padding that differs by side becomes a pad before it."""
    rank = _ranked(site, "Conv")
    shape = _plain_shape(site, 1)
    window = window_of(site, shape[2:], site.input_type(0).shape[2:])
    value = site.value(0) if window.even else padded(site, site.value(0), window)
    return site.emit(
        f"conv{rank}d",
        value,
        *(site.value(i) for i in (1, 2) if site.has(i)),
        out_channels=shape[0],
        kernel_size=window.kernel,
        stride=window.stride,
        padding=window.before if window.even else (0,) * rank,
        dilation=window.dilation,
        groups=site.integer("group", 1),
        bias=site.has(2),
    )


def transposed(site: Site) -> Values:
    """Lower ``ConvTranspose``; what its padding takes off unevenly is sliced off."""
    rank = _ranked(site, "ConvTranspose")
    shape = _plain_shape(site, 1)
    groups = site.integer("group", 1)
    window = window_of(site, shape[2:], (1,) * rank)
    extra = site.integers("output_padding") or (0,) * rank
    before, after = _taken_off(site, window.before, window.after, extra, rank)
    direct = before == after and min(before) >= 0
    fits = all(e < max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True))
    grown = extra if fits else (0,) * rank
    value = site.emit(
        f"conv_transpose{rank}d",
        site.value(0),
        *(site.value(i) for i in (1, 2) if site.has(i)),
        out_channels=shape[1] * groups,
        kernel_size=window.kernel,
        stride=window.stride,
        padding=before if direct else (0,) * rank,
        output_padding=grown,
        groups=groups,
        bias=site.has(2),
        dilation=window.dilation,
    )
    if direct:
        sides = [(0, 0 if fits else e) for e in extra]
    else:
        sides = [(-b, -a if fits else e - a) for b, a, e in zip(before, after, extra, strict=True)]
    return _sided(site, value, sides)


def _sided(site: Site, value: str, sides: list[tuple[int, int]]) -> str:
    """Return a map with so much added on each side of its spatial axes; taken off where the number is negative."""
    flat = tuple(side for pair in reversed(sides) for side in pair)
    return site.emit("pad", value, pad=flat) if any(flat) else value


def _taken_off(
    site: Site, before: tuple[Dim, ...], after: tuple[Dim, ...], extra: tuple[int, ...], rank: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the padding takes off each side; where the output's size is given, what leads to it."""
    wanted = site.integers("output_shape")
    mode = site.word("auto_pad", "NOTSET")
    space = site.input_type(0).shape[2:]
    stride = site.integers("strides") or (1,) * rank
    if wanted is None and mode in ("NOTSET", "VALID", ""):
        return tuple(b for b in before if isinstance(b, int)), tuple(a for a in after if isinstance(a, int))
    kernel = _plain_shape(site, 1)[2:]
    dilation = site.integers("dilations") or (1,) * rank
    if not all(isinstance(size, int) for size in space):
        raise unsupported("ConvTranspose to a given size of a symbolic one", "give --input to fix the size")
    sizes = [size for size in space if isinstance(size, int)]
    goal = wanted[-rank:] if wanted else tuple(size * s for size, s in zip(sizes, stride, strict=True))
    total = [
        s * (size - 1) + e + (k - 1) * d + 1 - g
        for s, size, e, k, d, g in zip(stride, sizes, extra, kernel, dilation, goal, strict=True)
    ]
    half = tuple(t // 2 for t in total)
    rest = tuple(t - t // 2 for t in total)
    return (half, rest) if mode == "SAME_UPPER" else (rest, half)


def gemm(site: Site) -> Values:
    """Lower ``Gemm``: a linear layer where the second matrix is known, else a product and a sum."""
    alpha, beta = site.real("alpha", 1.0), site.real("beta", 1.0)
    x = site.value(0)
    if site.integer("transA", 0):
        x = site.emit("permute", x, dims=(1, 0))
    weight, bias = site.known(1), site.known(2)
    flat_bias = not site.has(2) or (bias is not None and bias.ndim >= 1)
    if weight is not None and weight.ndim == 2 and flat_bias and site.type(x).dtype.is_floating:
        rows = weight if site.integer("transB", 0) else weight.T
        return _linear(site, x, _scaled(rows, alpha), bias, beta)
    y = site.value(1)
    made = site.emit("matmul", x, site.emit("permute", y, dims=(1, 0)) if site.integer("transB", 0) else y)
    made = made if alpha == 1 else site.emit("mul", made, other=alpha)
    if not site.has(2):
        return made
    other = site.value(2)
    return site.emit("add", made, other if beta == 1 else site.emit("mul", other, other=beta))


def _scaled(array: np.ndarray, factor: float) -> np.ndarray:
    return array if factor == 1 else (array * np.asarray(factor, array.dtype))


def _linear(site: Site, x: str, rows: np.ndarray, bias: np.ndarray | None, beta: float) -> str:
    """Return a linear layer; a bias that is not one an output is added."""
    fits = bias is not None and bias.size == rows.shape[0] and bias.shape[-1] == rows.shape[0]
    operands = [x, _as_weight(site, rows, 1)]
    if fits:
        assert bias is not None
        operands.append(_as_weight(site, _scaled(bias.reshape(-1), beta), 2))
    made = site.emit("linear", *operands, out_features=rows.shape[0], bias=fits)
    if bias is None or fits:
        return made
    return site.emit("add", made, _as_weight(site, _scaled(bias, beta), 2))


def _as_weight(site: Site, array: np.ndarray, index: int) -> str:
    """Return numbers as a value: the input itself where they are its own."""
    source = site.input(index)
    if source.array is not None and array is source.array:
        return site.value(index)
    return site.translation.materialise(_transposed_once(site, source, array))


def _transposed_once(site: Site, source: Value, array: np.ndarray) -> Value:
    """Return the numbers made from an input; the same value each time that they are made in the same way."""
    made = site.translation.derived
    key = (id(source), array.shape, array.strides, array.ctypes.data)
    if key not in made:
        made[key] = Value(array=array, key=source.key, trained=source.trained)
    return made[key]


def matmul(site: Site) -> Values:
    """Lower ``MatMul``: a linear layer where the second operand is a known matrix."""
    weight, x = site.known(1), site.input_type(0)
    if weight is not None and weight.ndim == 2 and x.rank >= 1 and x.dtype.is_floating and x.shape[-1] == len(weight):
        return _linear(site, site.value(0), weight.T, None, 1.0)
    return site.emit("matmul", site.value(0), site.value(1))


def batch_norm(site: Site) -> Values:
    """Lower ``BatchNormalization`` of evaluation mode."""
    if site.integer("training_mode", 0) or site.wants(1):
        hint = "export the model in evaluation mode"
        raise unsupported("BatchNormalization is in training mode", hint, "unsupported")
    x = site.input_type(0)
    if x.rank < 2 or x.rank > 5:
        raise unsupported(f"BatchNormalization of {x}", "expected [N,C,...]", "rank")
    state = [site.cast(site.value(i), x.dtype) for i in range(1, 5)]
    count = site.emit("full", shape=(), value=0, dtype="i64")
    momentum = round(1 - site.real("momentum", 0.9), 6)
    return site.emit(
        "batch_norm", site.value(0), *state, count, eps=site.real("epsilon", 1e-5), momentum=min(max(momentum, 0), 1)
    )


def layer_norm(site: Site) -> Values:
    """Lower ``LayerNormalization`` whose scale covers the normalised axes."""
    from ..translation import UseFunctionError

    x, scale = site.input_type(0), site.input_type(1)
    shape = x.shape[site.axis_of(site.integer("axis", -1), x.rank) :]
    biased = site.has(2)
    fits = _fits(scale, shape) and (not biased or _fits(site.input_type(2), shape))
    if site.wants(1) or not fits or not x.dtype.is_floating or site.integer("stash_type", 1) != 1:
        raise UseFunctionError
    weights = [site.reshape(site.value(i), shape) for i in ((1, 2) if biased else (1,))]
    return site.emit(
        "layer_norm",
        site.value(0),
        *weights,
        normalized_shape=shape,
        eps=site.real("epsilon", 1e-5),
        bias=biased,
    )


def rms_norm(site: Site) -> Values:
    """Lower ``RMSNormalization`` whose scale covers the normalised axes."""
    from ..translation import UseFunctionError

    x = site.input_type(0)
    shape = x.shape[site.axis_of(site.integer("axis", -1), x.rank) :]
    if not _fits(site.input_type(1), shape):
        raise UseFunctionError
    weight = site.reshape(site.value(1), shape)
    return site.emit("rms_norm", site.value(0), weight, normalized_shape=shape, eps=site.real("epsilon", 1e-5))


def _fits(type: TensorType, shape: tuple[object, ...]) -> bool:
    """Return whether a tensor has the shape, but for axes of size 1 in front."""
    extra = type.rank - len(shape)
    return extra >= 0 and type.shape[extra:] == shape and all(size == 1 for size in type.shape[:extra])


def group_norm(site: Site) -> Values:
    """Lower ``GroupNormalization``; before opset 21 the scale is one a group, not one a channel."""
    from ..translation import UseFunctionError

    x = site.input_type(0)
    groups = site.integer("num_groups", 1)
    channels = x.shape[1] if x.rank > 1 else 0
    known = [site.known(1), site.known(2)]
    if not isinstance(channels, int) or not channels or groups < 1 or channels % groups:
        raise unsupported(f"GroupNormalization of {x} in {groups} groups", "expected groups that divide the channels")
    operands: list[str] = []
    for i, array in enumerate(known, 1):
        if site.input_type(i).shape == (channels,):
            operands.append(site.value(i))
        elif array is not None and array.shape == (groups,):
            operands.append(site.constant(np.repeat(array, channels // groups), like=i))
        else:
            raise UseFunctionError
    return site.emit("group_norm", site.value(0), *operands, num_groups=groups, eps=site.real("epsilon", 1e-5))


def instance_norm(site: Site) -> Values:
    """Lower ``InstanceNormalization``: a group norm with one group a channel."""
    x = site.input_type(0)
    if x.rank < 2:
        raise unsupported(f"InstanceNormalization of {x}", "expected [N,C,...]", "rank")
    return site.emit(
        "group_norm",
        *(site.value(i) for i in range(3)),
        num_groups=x.shape[1],
        eps=site.real("epsilon", 1e-5),
    )


def local_norm(site: Site) -> Values:
    """Lower ``LRN``, ``x / (bias + alpha / size * sum of squares of the channels around) ** beta``."""
    x, size = site.value(0), site.integer("size", 1)
    kind = site.type(x)
    if kind.rank < 2 or size < 1:
        raise unsupported(f"LRN of {kind} over {size} channels", "expected [N,C,...]", "rank")
    before = (size - 1) // 2
    space = prod(s for s in kind.shape[2:] if isinstance(s, int))
    if not all(isinstance(s, int) for s in kind.shape[1:]):
        raise unsupported(f"LRN of the symbolic {kind}", "give --input to fix its sizes")
    squares = site.emit("reshape", site.emit("mul", x, x), shape=(kind.shape[0], 1, kind.shape[1], space))
    around = site.emit("pad", squares, pad=(0, 0, before, size - 1 - before))
    mean = site.emit("avg_pool2d", around, kernel_size=(size, 1), stride=(1, 1))
    line = site.emit("mul", site.emit("reshape", mean, shape=kind.shape), other=site.real("alpha", 1e-4))
    base = site.emit("add", line, other=site.real("bias", 1.0))
    return site.emit("div", x, site.emit("pow", base, other=site.real("beta", 0.75)))


def mean_variance(site: Site) -> Values:
    """Lower ``MeanVarianceNormalization``: the mean goes and the standard deviation becomes one."""
    x = site.value(0)
    axes = tuple(a % site.type(x).rank for a in (site.integers("axes") or (0, 2, 3)))
    rest = site.emit("sub", x, site.emit("mean", x, dim=axes, keepdim=True))
    spread = site.emit("sqrt", site.emit("mean", site.emit("mul", rest, rest), dim=axes, keepdim=True))
    return site.emit("div", rest, site.emit("add", spread, other=1e-9))


def lp_norm(site: Site) -> Values:
    """Lower ``LpNormalization``: each line along an axis divided by its norm."""
    x = site.value(0)
    axis = site.axis_of(site.integer("axis", -1), site.type(x).rank)
    order = float(site.integer("p", 2))
    if site.type(x).dtype is DType.F32:
        return site.emit("normalize", x, p=order, dim=axis)
    return site.emit("div", x, site.emit("vector_norm", x, ord=order, dim=(axis,), keepdim=True))


RULES: Mapping[str, Callable[[Site], Values]] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "InstanceNormalization": instance_norm,
    "LRN": local_norm,
    "MeanVarianceNormalization": mean_variance,
    "LpNormalization": lp_norm,
}
