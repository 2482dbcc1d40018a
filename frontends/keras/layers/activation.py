"""Activation functions, as layers, as arguments of layers, and as operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..call import Call, Rule, as_tensor
from ..layout import Value
from ..walk import Unsupported

Function = Callable[[Call, Value, Mapping[str, Any]], Value]


def _plain(op: str, **renamed: str) -> Function:
    """Return a function that is one op; ``renamed`` gives our name of each of Keras's arguments."""

    def apply(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
        return call.same(op, x, **{ours: given[theirs] for theirs, ours in renamed.items() if theirs in given})

    return apply


def _relu(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    slope = float(given.get("negative_slope") or 0.0)
    most = given.get("max_value")
    if given.get("threshold"):
        call.fail("relu with a threshold has no op")
    if slope:
        x = call.same("leaky_relu", x, negative_slope=slope)
        return x if most is None else call.same("clamp", x, max=float(most))
    if most is None:
        return call.same("relu", x)
    return call.same("relu6", x) if most == 6 else call.same("clamp", x, min=0.0, max=float(most))


def _softmax(op: str) -> Function:
    def apply(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
        axis = given.get("axis", -1)
        if not isinstance(axis, int):
            call.fail(f"softmax over axes {axis!r} has no op")
        x = call.walk.unrolled(x, call.path)
        place = call.axis(axis, x)
        last = place == len(x.order) - 1
        return call.same(op, x, dim=-1 if last else place)

    return apply


def _glu(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    x = call.walk.unrolled(x, call.path)
    return call.same("glu", x, dim=call.axis(int(given.get("axis", -1)), x))


def _gelu(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    return call.same("gelu", x, approximate="tanh" if given.get("approximate", False) else "none")


def _softsign(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    below = call.same("add", call.same("abs", x), other=1)
    return Value(call.emit("div", x, below), x.order, x.rows)


def _log_sigmoid(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    return call.same("neg", call.same("softplus", call.same("neg", x)))


def _tanh_shrink(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    return Value(call.emit("sub", x, call.same("tanh", x)), x.order, x.rows)


def _linear(call: Call, x: Value, given: Mapping[str, Any]) -> Value:
    return x


FUNCTIONS: Mapping[str, Function] = {
    "linear": _linear,
    "relu": _relu,
    "relu6": _plain("relu6"),
    "leaky_relu": lambda call, x, given: call.same("leaky_relu", x, negative_slope=given.get("negative_slope", 0.2)),
    "elu": _plain("elu", alpha="alpha"),
    "selu": _plain("selu"),
    "gelu": _gelu,
    "silu": _plain("silu"),
    "swish": _plain("silu"),
    "mish": _plain("mish"),
    "hard_silu": _plain("hardswish"),
    "hard_swish": _plain("hardswish"),
    "hard_sigmoid": _plain("hardsigmoid"),
    "hard_tanh": _plain("hardtanh"),
    "sigmoid": _plain("sigmoid"),
    "log_sigmoid": _log_sigmoid,
    "tanh": _plain("tanh"),
    "tanh_shrink": _tanh_shrink,
    "softplus": _plain("softplus"),
    "softsign": _softsign,
    "exponential": _plain("exp"),
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "glu": _glu,
}


def activated(call: Call, x: Value, function: Any = None) -> Value:
    """Return the activation of a layer applied to ``x``. Raises Unsupported for a function of the user's own."""
    function = call.layer.activation if function is None else function
    if function is None:
        return x
    if isinstance(getattr(function, "name", None), str):
        return _layer(function)(Call(call.walk, function, call.path, (x,), {}))
    name = getattr(function, "__name__", type(function).__name__)
    if name not in FUNCTIONS or not str(getattr(function, "__module__", "")).startswith("keras."):
        call.fail(f"its activation {name} is not one of Keras that nasc knows")
    return FUNCTIONS[name](call, x, {})


def _layer(layer: Any) -> Callable[[Call], Value]:
    name = type(layer).__name__
    if name not in ACTIVATION_LAYERS or not type(layer).__module__.startswith("keras."):
        raise Unsupported(f"its activation is a layer {name} that nasc does not know", layer.name)

    def apply(call: Call) -> Value:
        made = ACTIVATION_LAYERS[name](call)
        assert isinstance(made, Value)
        return made

    return apply


def _activation(call: Call) -> Value:
    return activated(call, call.x)


def _with(name: str, *attributes: str) -> Rule:
    """Return the rule of a layer or an operation that is a function with these attributes."""

    def rule(call: Call) -> Value:
        given = {a: getattr(call.layer, a) for a in attributes if getattr(call.layer, a, None) is not None}
        return FUNCTIONS[name](call, call.x, given)

    return rule


def prelu(call: Call) -> Value:
    """Lower PReLU whose slopes are shared over all axes but the last: PyTorch's, one a channel."""
    slope = as_tensor(call.layer.alpha)
    if slope.ndim > 1 and any(size != 1 for size in slope.shape[:-1]):
        call.fail("PReLU with a slope an element has no op: share it over the axes of space")
    x = call.first()
    call.own("weight", slope.reshape(-1))
    return call.same("prelu", x, num_parameters=slope.numel())


ACTIVATION_LAYERS: Mapping[str, Rule] = {
    "Activation": _activation,
    "ReLU": _with("relu", "max_value", "negative_slope", "threshold"),
    "LeakyReLU": _with("leaky_relu", "negative_slope"),
    "ELU": _with("elu", "alpha"),
    "Softmax": _with("softmax", "axis"),
    "PReLU": prelu,
}

ACTIVATION_OPERATIONS: Mapping[str, Rule] = {
    "Relu": _with("relu"),
    "Relu6": _with("relu6"),
    "LeakyRelu": _with("leaky_relu", "negative_slope"),
    "Elu": _with("elu", "alpha"),
    "Selu": _with("selu"),
    "Gelu": _with("gelu", "approximate"),
    "Silu": _with("silu"),
    "Mish": _with("mish"),
    "HardSilu": _with("hard_silu"),
    "HardSigmoid": _with("hard_sigmoid"),
    "HardTanh": _with("hard_tanh"),
    "Sigmoid": _with("sigmoid"),
    "LogSigmoid": _with("log_sigmoid"),
    "TanhShrink": _with("tanh_shrink"),
    "Softplus": _with("softplus"),
    "Softsign": _with("softsign"),
    "Softmax": _with("softmax", "axis"),
    "LogSoftmax": _with("log_softmax", "axis"),
    "Glu": _with("glu", "axis"),
}
