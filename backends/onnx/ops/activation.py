"""Activation functions that are more than one ONNX node, or one only in newer versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..writer import Site, Value

_FLAT = 15
"""From here on softplus is its operand, to the last digit of a float32."""


def _clip(site: Site, low: float, high: float) -> Value:
    return site.add("Clip", site.x, site.number(low), site.number(high))


def _relu6(site: Site) -> Value:
    return _clip(site, 0, 6)


def _hardtanh(site: Site) -> Value:
    return _clip(site, site.get("min_val"), site.get("max_val"))


def _hardsigmoid(site: Site) -> Value:
    return site.add("HardSigmoid", site.x, alpha=1 / 6, beta=0.5)


def _gelu(site: Site) -> Value:
    """Gelu is an operator since opset 20; before, ``x * (1 + erf(x / sqrt(2))) / 2`` or its tanh approximation."""
    approximate = site.get("approximate")
    if site.opset >= 20:
        return site.add("Gelu", site.x, approximate=None if approximate == "none" else approximate)
    if approximate == "none":
        curve = site.add("Erf", site.add("Div", site.x, site.number(math.sqrt(2))))
    else:
        cubed = site.add("Mul", site.add("Pow", site.x, site.number(3)), site.number(0.044715))
        curve = site.add("Mul", site.add("Add", site.x, cubed), site.number(math.sqrt(2 / math.pi)))
        curve = site.add("Tanh", curve)
    whole = site.add("Mul", site.x, site.add("Add", curve, site.number(1)))
    return site.add("Mul", whole, site.number(0.5))


def _silu(site: Site) -> Value:
    return site.add("Mul", site.x, site.add("Sigmoid", site.x))


def _softplus(site: Site) -> Value:
    """``log(1 + exp(beta x)) / beta``; above its threshold PyTorch takes x itself, which differs by e^-threshold."""
    beta, threshold = site.get("beta"), site.get("threshold")
    scaled = site.x if beta == 1 else site.add("Mul", site.x, site.number(beta))
    soft = site.add("Softplus", scaled)
    soft = soft if beta == 1 else site.add("Div", soft, site.number(beta))
    if threshold >= _FLAT:
        return soft
    return site.add("Where", site.add("Greater", scaled, site.number(threshold)), site.x, soft)


def _glu(site: Site) -> Value:
    axis = site.get("dim") % site.type.rank
    half, gate = site.add_many("Split", 2, site.x, axis=axis, num_outputs=2)
    return site.add("Mul", half, site.add("Sigmoid", gate))


def _prelu(site: Site) -> Value:
    slope, count, rank = site.weights["weight"], site.get("num_parameters"), site.type.rank
    if count > 1 and rank > 2:
        slope = site.reshaped(slope, (count,), (count, *(1 for _ in range(rank - 2))))
    return site.add("PRelu", site.x, slope)


def _dropout(site: Site) -> Value:
    return site.add("Dropout", site.x, site.number(site.get("p")))


def _feature_dropout(site: Site) -> Value:
    """Whole channels cannot be dropped in ONNX; a model file is for inference, where nothing is."""
    return site.add("Identity", site.x)


ACTIVATIONS: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "dropout": _dropout,
        "feature_dropout": _feature_dropout,
        "gelu": _gelu,
        "glu": _glu,
        "hardsigmoid": _hardsigmoid,
        "hardtanh": _hardtanh,
        "prelu": _prelu,
        "relu6": _relu6,
        "silu": _silu,
        "softplus": _softplus,
    }
)
