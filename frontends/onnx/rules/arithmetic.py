"""Rules of element-wise operators: arithmetic with numbers as attributes, comparisons, casts and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ....ir import DType
from ..places import unsupported
from ..site import Site, Values
from ..tensors import dtype_of

SWAPPED = {
    "add": "add",
    "mul": "mul",
    "sub": "rsub",
    "eq": "eq",
    "ne": "ne",
    "lt": "gt",
    "gt": "lt",
    "le": "ge",
    "ge": "le",
}
BOUNDS = {DType.U8: (0, 255), DType.I8: (-128, 127), DType.I16: (-(2**15), 2**15 - 1)}
WHOLE = frozenset((DType.I64, DType.I32, DType.I16, DType.I8, DType.U8))


def binary(op: str) -> Callable[[Site], Values]:
    """Return the rule of an operator of two broadcast operands; a known number becomes ``other``."""

    def rule(site: Site) -> Values:
        return apply(site, op, 0, 1)

    return rule


def apply(site: Site, op: str, left: int, right: int) -> str:
    """Apply a binary op to two inputs."""
    other = plain_number(site, right, left)
    if other is not None:
        return site.emit(op, site.value(left), other=other)
    other = plain_number(site, left, right) if op in SWAPPED else None
    if other is not None:
        return site.emit(SWAPPED[op], site.value(right), other=other)
    return site.emit(op, site.value(left), site.value(right))


def plain_number(site: Site, index: int, beside: int) -> int | float | None:
    """Return an input that is one number of the architecture and adds no axes to the input beside it."""
    value = site.input(index)
    if value.array is None or (value.array.ndim and value.trained):
        return None
    number = site.number(index)
    if number is None or isinstance(number, bool) or value.array.ndim > site.input_type(beside).rank:
        return None
    same = value.known_type.dtype is site.input_type(beside).dtype
    return number if same and site.input_type(beside).dtype is not DType.BOOL else None


def divide(site: Site) -> Values:
    """Lower ``Div``; of integers it rounds towards zero."""
    if site.input_type(0).dtype not in WHOLE:
        return apply(site, "div", 0, 1)
    x, y = site.value(0), site.value(1)
    size = site.emit("floor_divide", site.emit("abs", x), site.emit("abs", y))
    return site.emit("mul", size, site.emit("mul", site.emit("sign", x), site.emit("sign", y)))


def modulo(site: Site) -> Values:
    """Lower ``Mod``; with ``fmod`` the result has the sign of the first operand, as in C."""
    if not site.integer("fmod", 0):
        return apply(site, "remainder", 0, 1)
    x, y = site.value(0), site.value(1)
    rest = site.emit("remainder", site.emit("abs", x), site.emit("abs", y))
    return site.cast(site.emit("mul", rest, site.emit("sign", x)), site.type(x).dtype)


def power(site: Site) -> Values:
    """Lower ``Pow``, whose result has the dtype of the base."""
    dtype = site.input_type(0).dtype
    number = site.number(1)
    if number is not None and not isinstance(number, bool) and dtype.is_floating:
        array = site.known(1)
        if array is not None and array.ndim <= site.input_type(0).rank:
            return site.emit("pow", site.value(0), other=number)
    return site.cast(site.emit("pow", site.value(0), site.value(1)), dtype)


def chain(op: str) -> Callable[[Site], Values]:
    """Return the rule of an operator of any number of operands."""

    def rule(site: Site) -> Values:
        values = site.values()
        total = values[0]
        for value in values[1:]:
            total = site.emit(op, total, value)
        return total

    return rule


def mean(site: Site) -> Values:
    """Lower ``Mean`` of several operands."""
    total = chain("add")(site)
    assert isinstance(total, str)
    return site.emit("div", total, other=len(site.values()))


def exclusive_or(site: Site) -> Values:
    """Lower ``Xor`` of truth values."""
    return site.emit("ne", site.value(0), site.value(1))


def clip(site: Site) -> Values:
    """Lower ``Clip``; bounds that are not known are taken with maximum and minimum."""
    bounds: dict[str, int | float] = {}
    value = site.value(0)
    for index, name, op in ((1, "min", "maximum"), (2, "max", "minimum")):
        number = site.number(index)
        if number is not None:
            bounds[name] = number
        elif site.has(index):
            value = site.emit(op, value, site.value(index))
    if bounds and bounds.get("min", -np.inf) <= bounds.get("max", np.inf):
        return site.emit("clamp", value, **bounds)
    for name, op in (("min", "maximum"), ("max", "minimum")):
        if name in bounds:
            value = site.emit(op, value, site.scalar(bounds[name], site.type(value).dtype))
    return value


def cast(site: Site) -> Values:
    """Lower ``Cast``."""
    return site.cast(site.value(0), dtype_of(site.integer("to", 1), "the result"))


def cast_like(site: Site) -> Values:
    """Lower ``CastLike``."""
    return site.cast(site.value(0), site.input_type(1).dtype)


def gelu(site: Site) -> Values:
    """Lower ``Gelu``."""
    return site.emit("gelu", site.value(0), approximate=site.word("approximate", "none"))


def selu(site: Site) -> Values:
    """Lower ``Selu``; with other constants than its own it is written out."""
    alpha, gamma = site.real("alpha", 1.67326319217681884765625), site.real("gamma", 1.05070102214813232421875)
    x = site.value(0)
    if abs(alpha - 1.6732632) < 1e-5 and abs(gamma - 1.050701) < 1e-5:
        return site.emit("selu", x)
    return site.emit("mul", site.emit("elu", x, alpha=alpha), other=gamma)


def celu(site: Site) -> Values:
    """Lower ``Celu``, ``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``: an elu of ``x / alpha``."""
    alpha = site.real("alpha", 1.0)
    if not alpha:
        raise unsupported("Celu has alpha 0", "expected another number", "attribute")
    return site.emit("mul", site.emit("elu", site.emit("div", site.value(0), other=alpha)), other=alpha)


def hard_sigmoid(site: Site) -> Values:
    """Lower ``HardSigmoid``; with other constants than PyTorch's it is a clamp."""
    alpha, beta = site.real("alpha", 0.2), site.real("beta", 0.5)
    x = site.value(0)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return site.emit("hardsigmoid", x)
    line = site.emit("add", site.emit("mul", x, other=alpha), other=beta)
    return site.emit("clamp", line, min=0, max=1)


def softplus(site: Site) -> Values:
    """Lower ``Softplus``."""
    return site.emit("softplus", site.value(0))


def softsign(site: Site) -> Values:
    """Lower ``Softsign``, ``x / (1 + |x|)``."""
    x = site.value(0)
    return site.emit("div", x, site.emit("add", site.emit("abs", x), other=1))


def swish(site: Site) -> Values:
    """Lower ``Swish``, ``x * sigmoid(alpha x)``."""
    x, alpha = site.value(0), site.real("alpha", 1.0)
    if alpha == 1:
        return site.emit("silu", x)
    return site.emit("mul", x, site.emit("sigmoid", site.emit("mul", x, other=alpha)))


def softmax(op: str) -> Callable[[Site], Values]:
    """Return the rule of an activation along an axis."""

    def rule(site: Site) -> Values:
        return site.emit(op, site.value(0), dim=site.integer("axis", -1))

    return rule


def prelu(site: Site) -> Values:
    """Lower ``PRelu``; a slope that is not one a channel is written out."""
    x, slope = site.input_type(0), site.input_type(1)
    known = site.known(1)
    lead = slope.shape[:1] if slope.rank == x.rank - 1 else slope.shape[1:2] if slope.rank == x.rank else ()
    per_channel = x.rank > 1 and slope.rank >= x.rank - 1 and lead[:1] == (slope.numel,) == x.shape[1:2]
    if known is not None and x.dtype.is_floating and (known.size == 1 or per_channel):
        flat = site.constant(known.reshape(-1), like=1)
        return site.emit("prelu", site.value(0), flat, num_parameters=known.size)
    value, zero = site.value(0), site.scalar(0, x.dtype)
    below = site.emit("mul", site.emit("minimum", value, zero), site.value(1))
    return site.emit("add", site.emit("maximum", value, zero), below)


def is_nan(site: Site) -> Values:
    """Lower ``IsNaN``: what is not equal to itself."""
    return site.emit("ne", site.value(0), site.value(0))


def is_infinite(site: Site) -> Values:
    """Lower ``IsInf``."""
    x = site.value(0)
    up, down = site.integer("detect_positive", 1), site.integer("detect_negative", 1)
    if not up and not down:
        return site.emit("lt", x, site.emit("neg", site.scalar(float("inf"), site.type(x).dtype)))
    return site.emit("eq", site.emit("abs", x) if up and down else x, other=float("inf" if up else "-inf"))


def hyperbolic(sign: float, half: float) -> Callable[[Site], Values]:
    """Return the rule of ``(exp(x) + sign * exp(-x)) / 2``."""

    def rule(site: Site) -> Values:
        x = site.value(0)
        up, down = site.emit("exp", x), site.emit("exp", site.emit("neg", x))
        return site.emit("mul", site.emit("add" if sign > 0 else "sub", up, down), other=half)

    return rule


def inverse_sine(site: Site) -> Values:
    """Lower ``Asin``, ``atan(x / sqrt(1 - x^2))``."""
    x = site.value(0)
    root = site.emit("sqrt", site.emit("rsub", site.emit("mul", x, x), other=1))
    return site.emit("atan", site.emit("div", x, root))


def inverse_cosine(site: Site) -> Values:
    """Lower ``Acos``, what the inverse sine leaves of a right angle."""
    angle = inverse_sine(site)
    assert isinstance(angle, str)
    return site.emit("rsub", angle, other=np.pi / 2)


def inverse_hyperbolic(shift: int) -> Callable[[Site], Values]:
    """Return the rule of ``log(x + sqrt(x^2 + shift))``."""

    def rule(site: Site) -> Values:
        x = site.value(0)
        root = site.emit("sqrt", site.emit("add", site.emit("mul", x, x), other=shift))
        return site.emit("log", site.emit("add", x, root))

    return rule


def inverse_hyperbolic_tangent(site: Site) -> Values:
    """Lower ``Atanh``, ``log((1 + x) / (1 - x)) / 2``."""
    x = site.value(0)
    ratio = site.emit("div", site.emit("add", x, other=1), site.emit("rsub", x, other=1))
    return site.emit("mul", site.emit("log", ratio), other=0.5)


def hardmax(site: Site) -> Values:
    """Lower ``Hardmax``: one at the first maximum along an axis, else zero."""
    x = site.value(0)
    kind = site.type(x)
    axis = site.axis_of(site.integer("axis", -1), kind.rank)
    size = kind.shape[axis]
    if not isinstance(size, int):
        raise unsupported(f"Hardmax along the symbolic size {size}", "give --input to fix it")
    numbers = np.arange(size).reshape(-1, *[1] * (kind.rank - 1 - axis))
    top = site.emit("argmax", x, dim=axis, keepdim=True)
    return site.cast(site.emit("eq", top, site.constant(numbers)), kind.dtype)


def dequantize(site: Site) -> Values:
    """Lower ``DequantizeLinear``, ``(x - zero) * scale``, by tensor or by axis."""
    scale = _along_axis(site, 1)
    dtype = site.type(scale).dtype
    value = site.cast(site.value(0), dtype)
    if site.has(2):
        value = site.emit("sub", value, site.cast(_along_axis(site, 2), dtype))
    return site.emit("mul", value, scale)


def quantize(site: Site) -> Values:
    """Lower ``QuantizeLinear``, ``clamp(round(x / scale) + zero)``, by tensor or by axis."""
    scale = _along_axis(site, 1)
    kind = site.dtype("output_dtype", site.input_type(2).dtype if site.has(2) else DType.U8)
    if kind not in BOUNDS:
        raise unsupported(f"QuantizeLinear to {kind.value}", "expected u8, i8 or i16")
    value = site.emit("round", site.emit("div", site.cast(site.value(0), site.type(scale).dtype), scale))
    if site.has(2):
        value = site.emit("add", value, site.cast(_along_axis(site, 2), site.type(scale).dtype))
    low, high = BOUNDS[kind]
    return site.cast(site.emit("clamp", value, min=low, max=high), kind)


def _along_axis(site: Site, index: int) -> str:
    """Return one number a tensor or an axis, shaped to broadcast over the first input."""
    value, x = site.value(index), site.input_type(0)
    kind = site.type(value)
    if site.integer("block_size", 0) or kind.rank > 1:
        raise unsupported(f"{site.op} by blocks", "expected one scale, or one an entry of an axis")
    if kind.rank == 0 or kind.shape == (1,):
        return site.reshape(value, ())
    axis = site.axis_of(site.integer("axis", 1), x.rank)
    return site.reshape(value, (*kind.shape, *[1] * (x.rank - 1 - axis)))


def dropout(site: Site) -> Values:
    """Lower ``Dropout`` of evaluation; its mask is then true everywhere."""
    if site.has(2) and site.number(2) is not False:
        raise unsupported("Dropout is in training mode", "export the model in evaluation mode", "unsupported")
    x = site.value(0)
    ratio = site.number(1) if site.has(1) else 0.5
    made = (
        site.emit("dropout", x, p=float(ratio)) if ratio is not None and 0 <= ratio <= 1 else site.emit("identity", x)
    )
    if not site.wants(1):
        return made
    return made, site.emit("full", shape=site.type(x).shape, value=True, dtype=DType.BOOL)


RULES: Mapping[str, Callable[[Site], Values]] = {
    "Add": binary("add"),
    "Sub": binary("sub"),
    "Mul": binary("mul"),
    "Div": divide,
    "Mod": modulo,
    "Pow": power,
    "Equal": binary("eq"),
    "Less": binary("lt"),
    "LessOrEqual": binary("le"),
    "Greater": binary("gt"),
    "GreaterOrEqual": binary("ge"),
    "And": chain("logical_and"),
    "Or": chain("logical_or"),
    "Xor": exclusive_or,
    "Max": chain("maximum"),
    "Min": chain("minimum"),
    "Sum": chain("add"),
    "Mean": mean,
    "Clip": clip,
    "Cast": cast,
    "CastLike": cast_like,
    "Gelu": gelu,
    "Selu": selu,
    "Celu": celu,
    "HardSigmoid": hard_sigmoid,
    "Softplus": softplus,
    "Softsign": softsign,
    "Swish": swish,
    "Softmax": softmax("softmax"),
    "LogSoftmax": softmax("log_softmax"),
    "PRelu": prelu,
    "IsNaN": is_nan,
    "IsInf": is_infinite,
    "Sinh": hyperbolic(-1, 0.5),
    "Cosh": hyperbolic(1, 0.5),
    "Asin": inverse_sine,
    "Acos": inverse_cosine,
    "Asinh": inverse_hyperbolic(1),
    "Acosh": inverse_hyperbolic(-1),
    "Atanh": inverse_hyperbolic_tangent,
    "Hardmax": hardmax,
    "DequantizeLinear": dequantize,
    "QuantizeLinear": quantize,
    "Dropout": dropout,
}
