"""Rules that find activations written out as arithmetic: both forms of GELU, hard sigmoid as a clamp."""

from __future__ import annotations

from math import pi, sqrt

from ...ir import Node
from ...ir.ops.activation import Gelu, Hardsigmoid
from ...ir.ops.elementwise import Clamp
from ..canonical.arithmetic_rules import gated, hardsigmoid
from ..canonical.sweep import Rewrite, Rule, View
from .scaling import near, polynomial, product, scaled

_TANH = {1: sqrt(2 / pi), 3: sqrt(2 / pi) * 0.044715}


def gelu(node: Node, view: View) -> Rewrite:
    """``x / 2 * (1 + erf(x / sqrt 2))`` is gelu; ``x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`` nearly."""
    half, parts = product(node, view)
    if len(parts) != 2:
        return None
    for x, gate in (parts, parts[::-1]):
        kind, scale = _gate(gate, x, view)
        if kind and abs(half * scale - 0.5) < 1e-4 and view.type(x).dtype.is_floating:
            return view.become(node, Gelu(approximate=kind), x)
    return None


def _gate(value: str, x: str, view: View) -> tuple[str, float]:
    """Return which approximation a factor ``1 + erf(...)`` or ``1 + tanh(...)`` belongs to, and its scale."""
    scale, value = scaled(value, view)
    made = view.producers.get(value)
    if made is None or made.op.name != "add":
        return "", 0.0
    for name in made.operands:
        inner = view.producers.get(name)
        if inner is None or inner.op.name not in ("erf", "tanh"):
            continue
        if not near(polynomial(value, name, view), {0: 1.0, 1: 1.0}):
            continue
        argument = polynomial(inner.operands[0], x, view)
        if inner.op.name == "erf" and near(argument, {1: sqrt(0.5)}):
            return "none", scale
        if inner.op.name == "tanh" and near(argument, _TANH):
            return "tanh", scale
    return "", 0.0


def clamped_line(node: Node, view: View) -> Rewrite:
    """``clamp(x / 6 + 1 / 2, 0, 1)`` is hardsigmoid."""
    assert isinstance(node.op, Clamp)
    if (node.op.min, node.op.max) != (0, 1):
        return None
    line = view.operand(node, "add")
    if line is None:
        return None
    _, x = scaled(line.operands[0], view)
    fits = near(polynomial(line.name, x, view), {0: 0.5, 1: 1 / 6})
    return view.become(node, Hardsigmoid(), x) if fits else None


RULES: dict[str, tuple[Rule, ...]] = {
    "mul": (gelu, gated, hardsigmoid),
    "div": (gelu, hardsigmoid),
    "clamp": (clamped_line,),
}
