"""Rules for element-wise ops: those that do nothing, sums and powers in one spelling, activations spelled out."""

from __future__ import annotations

import math
from dataclasses import replace

from ...ir import DType, Node, Op, build
from ...ir.ops.activation import Hardsigmoid, Hardswish, Hardtanh, Mish, Relu, Relu6, Silu
from ...ir.ops.elementwise import Add, Clamp, Mul, Neg, Pow, Sub
from ...ir.ops.mathematics import Reciprocal, Rsqrt, Sqrt
from .sweep import Become, Rewrite, Rule, Same, View

NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1, "pow": 1}
POWERS: dict[float, Op] = {0.5: Sqrt(), -0.5: Rsqrt(), -1: Reciprocal()}


def identity(node: Node, view: View) -> Rewrite:
    """Drop the identity."""
    return Same(node.operands[0])


def dropout(node: Node, view: View) -> Rewrite:
    """Drop dropout where the module is meant for evaluation, or where it drops nothing."""
    return Same(node.operands[0]) if view.evaluation or number(node.op, "p") == 0 else None


def trained(name: str) -> Rule:
    """Return the rule that leaves out what only training knows, where the module is meant for evaluation."""

    def rule(node: Node, view: View) -> Rewrite:
        usual = node.op.defaults[name]
        if not view.evaluation or node.op.attributes()[name] == usual:
            return None
        return Become((replace(node, op=node.op.replace(**{name: usual})),))

    return rule


def same_dtype(node: Node, view: View) -> Rewrite:
    """Drop a cast to the same dtype."""
    return Same(node.operands[0]) if node.type == view.type(node.operands[0]) else None


def neutral(node: Node, view: View) -> Rewrite:
    """Drop ``x + 0``, ``x * 1`` and the like; write a whole number without a point beside a float operand."""
    other = number(node.op, "other")
    if other is None:
        return None
    if other == NEUTRAL.get(node.op.name) and node.type == view.type(node.operands[0]):
        return Same(node.operands[0])
    whole = isinstance(other, float) and other.is_integer() and abs(other) < 2**53
    if whole and view.type(node.operands[0]).dtype.is_floating:
        return view.become(node, node.op.replace(other=int(other)))
    return None


def difference(node: Node, view: View) -> Rewrite:
    """``x - 3`` is ``x + -3``, ``x - -y`` is ``x + y``; of two values ``rsub(x, y)`` is ``y - x``."""
    other = number(node.op, "other")
    if node.op.name == "rsub":
        if len(node.operands) == 2:
            return view.become(node, build(Sub, {}), *node.operands[::-1])
        return view.become(node, Neg()) if other == 0 else None
    if other is not None:
        return view.become(node, Add(other=-other))
    negated = view.operand(node, "neg", 1)
    return None if negated is None else view.become(node, build(Add, {}), node.operands[0], negated.operands[0])


def sum_with_negated(node: Node, view: View) -> Rewrite:
    """``x + -y`` is ``x - y``."""
    for place in range(len(node.operands) if len(node.operands) == 2 else 0):
        negated = view.operand(node, "neg", place)
        if negated is not None:
            return view.become(node, build(Sub, {}), node.operands[1 - place], negated.operands[0])
    return None


def quotient(node: Node, view: View) -> Rewrite:
    """``x / 8`` is ``x * 0.125`` where that is exact."""
    other = number(node.op, "other")
    if not other or math.frexp(other)[0] not in (0.5, -0.5) or not node.type.dtype.is_floating:
        return None
    return view.become(node, Mul(other=1 / other))


def product(node: Node, view: View) -> Rewrite:
    """``x * -1`` is ``-x`` and ``x * x`` a power."""
    if number(node.op, "other") == -1:
        return view.become(node, Neg())
    square = len(node.operands) == 2 and node.operands[0] == node.operands[1]
    return view.become(node, Pow(other=2), node.operands[0]) if square else None


def power(node: Node, view: View) -> Rewrite:
    """Powers that have a name go by it: sqrt, rsqrt, reciprocal."""
    op = POWERS.get(number(node.op, "other") or 0)
    return None if op is None else view.become(node, op)


def hardtanh(node: Node, view: View) -> Rewrite:
    """``hardtanh(0, 6)`` is relu6."""
    assert isinstance(node.op, Hardtanh)
    return view.become(node, Relu6()) if (node.op.min_val, node.op.max_val) == (0, 6) else None


def clamp(node: Node, view: View) -> Rewrite:
    """``clamp(0, 6)`` is relu6, ``clamp(0)`` is relu, and a limit of 6 after a relu makes relu6."""
    assert isinstance(node.op, Clamp)
    bounds = (node.op.min, node.op.max)
    inner = view.operand(node, "relu")
    if inner is not None and node.op.min in (None, 0) and node.op.max == 6:
        return view.become(node, Relu6(), inner.operands[0])
    if bounds == (0, 6):
        return view.become(node, Relu6())
    return view.become(node, Relu()) if bounds == (0, None) else None


def hardsigmoid(node: Node, view: View) -> Rewrite:
    """``relu6(x + 3) / 6`` is hardsigmoid; ``x * relu6(x + 3) / 6`` is hardswish."""
    other = number(node.op, "other")
    sixth = 6 if node.op.name == "div" else 1 / 6
    if other is None or abs(other - sixth) > 1e-6 or view.type(node.operands[0]).dtype is not DType.F32:
        return None
    clipped = shifted_relu6(node.operands[0], view)
    if clipped is not None:
        return view.become(node, Hardsigmoid(), clipped)
    product = view.operand(node, "mul")
    if product is None or len(product.operands) != 2:
        return None
    for x, gate in (product.operands, product.operands[::-1]):
        if shifted_relu6(gate, view) == x:
            return view.become(node, Hardswish(), x)
    return None


def shifted_relu6(value: str, view: View) -> str | None:
    """Return ``x`` where the value is ``relu6(x + 3)``."""
    outer = view.producers.get(value)
    if outer is None or outer.op.name != "relu6":
        return None
    inner = view.operand(outer, "add")
    return inner.operands[0] if inner is not None and number(inner.op, "other") == 3 else None


def gated(node: Node, view: View) -> Rewrite:
    """``x * sigmoid(x)`` is silu, ``x * hardsigmoid(x)`` hardswish, ``x * tanh(softplus(x))`` mish."""
    if len(node.operands) != 2:
        return None
    for x, gate in (node.operands, node.operands[::-1]):
        made = view.producers.get(gate)
        op = None if made is None else _gate(made, x, view)
        if op is not None:
            return view.become(node, op, x)
    return None


def _gate(made: Node, x: str, view: View) -> Op | None:
    if made.op.name == "sigmoid" and made.operands[0] == x:
        return Silu()
    if made.op.name == "hardsigmoid" and made.operands[0] == x:
        return Hardswish()
    inner = view.operand(made, "softplus") if made.op.name == "tanh" else None
    if inner is not None and inner.operands[0] == x and not inner.op.stated():
        return Mish()
    return None


def number(op: Op, attribute: str) -> int | float | None:
    """Return an attribute that is a number."""
    value = op.attributes().get(attribute)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


RULES: dict[str, tuple[Rule, ...]] = {
    "identity": (identity,),
    "dropout": (dropout,),
    "feature_dropout": (dropout,),
    "cast": (same_dtype,),
    "batch_norm": (trained("momentum"),),
    "scaled_dot_product_attention": (trained("dropout_p"),),
    **dict.fromkeys(("lstm", "gru", "rnn"), (trained("dropout"),)),
    "add": (neutral, sum_with_negated),
    "sub": (neutral, difference),
    "rsub": (neutral, difference),
    "mul": (neutral, gated, hardsigmoid, product),
    "div": (neutral, hardsigmoid, quotient),
    "pow": (neutral, power),
    "hardtanh": (hardtanh,),
    "clamp": (clamp,),
}
