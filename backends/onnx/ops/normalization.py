"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ....ir import DType
from ..writer import Site, Value
from .reduction import norm

_EPSILON = {DType.F64: 2.0**-52, DType.F32: 2.0**-23, DType.F16: 2.0**-10, DType.BF16: 2.0**-7}


def _filled(site: Site, shape: tuple[int, ...], value: float) -> Value:
    return site.number(np.full(shape, value))


def _batch_norm(site: Site) -> Value:
    (channels,) = site.fixed([site.type.shape[1]], "the channels")
    weight = site.weights.get("weight") or _filled(site, (channels,), 1)
    bias = site.weights.get("bias") or _filled(site, (channels,), 0)
    if not site.get("track_running_stats"):
        return _scaled(site, _of_batch(site), channels)
    momentum = site.get("momentum")
    running = (site.weights["running_mean"], site.weights["running_var"])
    return site.add(
        "BatchNormalization",
        site.x,
        weight,
        bias,
        *running,
        epsilon=site.get("eps"),
        momentum=None if momentum is None else 1 - momentum,
    )


def _of_batch(site: Site) -> Value:
    """Return the operand normalised by the statistics of the batch itself."""
    axes = site.axes(*(axis for axis in range(site.type.rank) if axis != 1))
    centred = site.add("Sub", site.x, site.add("ReduceMean", site.x, axes, keepdims=1))
    variance = site.add("ReduceMean", site.add("Mul", centred, centred), axes, keepdims=1)
    deviation = site.add("Sqrt", site.add("Add", variance, site.number(site.get("eps"))))
    return site.add("Div", centred, deviation)


def _scaled(site: Site, value: Value, channels: int) -> Value:
    """Return a value times the weight plus the bias of each channel, where there are any."""
    shape = (channels, *(1 for _ in range(site.type.rank - 2)))
    for type, slot in (("Mul", "weight"), ("Add", "bias")):
        if slot in site.weights:
            value = site.add(type, value, site.reshaped(site.weights[slot], (channels,), shape))
    return value


def _layer_norm(site: Site) -> Value:
    shape = tuple(site.fixed(site.get("normalized_shape"), "normalized_shape"))
    scale = site.weights.get("weight") or _filled(site, shape, 1)
    bias = site.weights.get("bias")
    return site.add(
        "LayerNormalization",
        site.x,
        scale,
        *([bias] if bias else []),
        axis=-len(shape),
        epsilon=site.get("eps"),
    )


def _rms_norm(site: Site) -> Value:
    """RMSNormalization is an operator since opset 23; before, ``x / sqrt(mean(x^2) + eps) * weight``."""
    shape = tuple(site.fixed(site.get("normalized_shape"), "normalized_shape"))
    eps = _EPSILON[site.type.dtype] if site.get("eps") is None else site.get("eps")
    weight = site.weights.get("weight")
    if site.opset >= 23:
        scale = weight or _filled(site, shape, 1)
        return site.add("RMSNormalization", site.x, scale, axis=-len(shape), epsilon=eps)
    axes = site.axes(*range(-len(shape), 0))
    mean = site.add("ReduceMean", site.add("Mul", site.x, site.x), axes, keepdims=1)
    root = site.add("Sqrt", site.add("Add", mean, site.number(eps)))
    normal = site.add("Div", site.x, root)
    return site.add("Mul", normal, weight) if weight else normal


def _group_norm(site: Site) -> Value:
    """GroupNormalization takes channels' weights since opset 21; before, groups become channels of instances."""
    channels, groups = site.fixed([site.type.shape[1], site.get("num_groups")], "the channels")
    if site.opset >= 21:
        weight = site.weights.get("weight") or _filled(site, (channels,), 1)
        bias = site.weights.get("bias") or _filled(site, (channels,), 0)
        return site.add("GroupNormalization", site.x, weight, bias, num_groups=groups, epsilon=site.get("eps"))
    flat = site.add("Reshape", site.x, site.axes(0, groups, -1))
    ones, zeros = _filled(site, (groups,), 1), _filled(site, (groups,), 0)
    normal = site.add("InstanceNormalization", flat, ones, zeros, epsilon=site.get("eps"))
    return _scaled(site, site.reshaped(normal, (), site.type.shape), channels)


def _normalize(site: Site) -> Value:
    axes = (site.get("dim") % site.type.rank,)
    length = norm(site, site.x, axes, site.get("p"), keepdims=1)
    return site.add("Div", site.x, site.add("Max", length, site.number(site.get("eps"))))


NORMALIZATION: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "batch_norm": _batch_norm,
        "group_norm": _group_norm,
        "layer_norm": _layer_norm,
        "normalize": _normalize,
        "rms_norm": _rms_norm,
    }
)
