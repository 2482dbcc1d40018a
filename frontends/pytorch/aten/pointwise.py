"""Rules of functions of each element that are a few ops: comparisons with no number, odd activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, log

from ..site import Site, Values

Rule = Callable[[Site], Values]


def clamp(site: Site) -> Values:
    """Lower ``clamp`` between tensors."""
    value = site.value("self")
    for name, op in (("min", "maximum"), ("max", "minimum")):
        if site.given(name):
            value = site.emit(op, value, site.value(name))
    return value


def is_nan(site: Site) -> Values:
    """Lower ``isnan``: only NaN differs from itself."""
    value = site.value("self")
    return site.emit("ne", value, value)


def is_infinite(site: Site) -> Values:
    """Lower ``isinf``."""
    return site.emit("eq", site.emit("abs", site.value("self")), other=inf)


def is_finite(site: Site) -> Values:
    """Lower ``isfinite``: NaN is not below anything."""
    return site.emit("lt", site.emit("abs", site.value("self")), other=inf)


def truncated(site: Site) -> Values:
    """Lower ``trunc``: towards zero."""
    value = site.value("self")
    return site.emit("mul", site.emit("sign", value), site.emit("floor", site.emit("abs", value)))


def softsign(site: Site) -> Values:
    """Lower ``softsign``: ``x / (1 + |x|)``."""
    value = site.value("self")
    return site.emit("div", value, site.emit("add", site.emit("abs", value), other=1))


def log_sigmoid(site: Site) -> Values:
    """Lower ``log_sigmoid``: ``-softplus(-x)``."""
    return site.emit("neg", site.emit("softplus", site.emit("neg", site.value("self"))))


def celu(site: Site) -> Values:
    """Lower ``celu``: ``x`` above zero, else ``alpha * (exp(x / alpha) - 1)``."""
    value, alpha = site.value("self"), float(site.args["alpha"])
    low = site.emit("clamp", value, max=0)
    below = site.emit("mul", site.emit("expm1", site.emit("div", low, other=alpha)), other=alpha)
    return site.emit("add", site.emit("relu", value), below)


def threshold(site: Site) -> Values:
    """Lower ``threshold``: ``value`` where the element is not above the threshold."""
    value = site.value("self")
    return site.emit(
        "masked_fill", value, site.emit("le", value, other=site.args["threshold"]), value=site.args["value"]
    )


def hardshrink(site: Site) -> Values:
    """Lower ``hardshrink``: zero between -lambd and lambd."""
    value = site.value("self")
    small = site.emit("le", site.emit("abs", value), other=site.args["lambd"])
    return site.emit("masked_fill", value, small, value=0.0)


def softshrink(site: Site) -> Values:
    """Lower ``softshrink``: towards zero by lambd."""
    value = site.value("self")
    return site.emit("sub", value, site.emit("clamp", value, min=-site.args["lambd"], max=site.args["lambd"]))


def _logarithm(base: float) -> Rule:
    """Return the rule of a logarithm to a base."""

    def rule(site: Site) -> Values:
        return site.emit("div", site.emit("log", site.value("self")), other=log(base))

    return rule


def exp2(site: Site) -> Values:
    """Lower ``exp2``: ``2 ** x``."""
    base = site.emit("full", shape=(), value=2.0, dtype=site.result.dtype)
    return site.emit("pow", base, site.value("self"))


def bilinear(site: Site) -> Values:
    """Lower ``bilinear``: ``x W y + b``."""
    operands = [site.value(name) for name in ("input1", "weight", "input2")]
    letters = "abcdefghklmn"[: site.type(operands[0]).rank - 1]
    made = site.emit("einsum", *operands, equation=f"{letters}i,oij,{letters}j->{letters}o")
    return site.emit("add", made, site.value("bias")) if site.given("bias") else made


def weight_norm(site: Site) -> Values:
    """Lower ``_weight_norm``: a direction scaled to a length, ``v * g / |v|``."""
    direction, length = site.value("v"), site.value("g")
    axis = site.args["dim"]
    others = [i for i in range(site.type(direction).rank) if i != axis % site.type(direction).rank]
    norm = site.emit("vector_norm", direction, dim=others if axis != -1 else None, keepdim=True)
    made = site.emit("mul", direction, site.emit("div", length, norm))
    return (made, norm) if isinstance(site.node.meta["val"], list | tuple) else made


POINTWISE: Mapping[str, Rule] = {
    **dict.fromkeys(("clamp.Tensor", "clamp_min.Tensor", "clamp_max.Tensor"), clamp),
    "isnan": is_nan,
    "isinf": is_infinite,
    "isfinite": is_finite,
    "trunc": truncated,
    "fix": truncated,
    "softsign": softsign,
    "log_sigmoid": log_sigmoid,
    "celu": celu,
    "threshold": threshold,
    "hardshrink": hardshrink,
    "softshrink": softshrink,
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "exp2": exp2,
    "bilinear": bilinear,
    "_weight_norm": weight_norm,
    "_weight_norm_interface": weight_norm,
}
