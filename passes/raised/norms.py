"""Rules that find normalisation written out as arithmetic."""

from __future__ import annotations

from ...ir import Node, build
from ...ir.ops.normalization import LayerNorm, RmsNorm
from ...ir.ops.reduction import Mean, Var
from ..canonical.arithmetic_rules import number
from ..canonical.sweep import Rewrite, Rule, View
from .scaling import constant

WEIGHTS = ("parameter", "constant")


def normalised(node: Node, view: View) -> Rewrite:
    """``(x - mean) / sqrt(var + eps)`` is layer_norm, ``x / sqrt(mean(x^2) + eps)`` rms_norm, also as products."""
    for value, inverse in _quotients(node, view):
        found = _root(inverse, view)
        if found is None:
            continue
        spread, eps = found
        axes = _spread_axes(spread, value, view)
        if axes is not None and axes[1]:
            source, shape = axes[0], axes[1]
            kind = LayerNorm if axes[2] else RmsNorm
            stated = {"normalized_shape": shape, "eps": eps, "elementwise_affine": False}
            return view.become(node, build(kind, stated), source)
    return None


def _quotients(node: Node, view: View) -> list[tuple[str, str]]:
    """Return pairs of a value and what it is divided by the root of."""
    if len(node.operands) != 2:
        return []
    a, b = node.operands
    if node.op.name == "div":
        made = view.producers.get(b)
        return [(a, made.operands[0])] if made is not None and made.op.name == "sqrt" else []
    pairs: list[tuple[str, str]] = []
    for value, factor in ((a, b), (b, a)):
        made = view.producers.get(factor)
        if made is not None and made.op.name == "reciprocal":
            inner = view.operand(made, "sqrt")
            pairs += [(value, inner.operands[0])] if inner is not None else []
        elif made is not None and made.op.name == "rsqrt":
            pairs.append((value, made.operands[0]))
    return pairs


def _root(value: str, view: View) -> tuple[str, float] | None:
    """Return a spread and the number that is added to it."""
    made = view.producers.get(value)
    if made is None or made.op.name != "add":
        return None
    other = number(made.op, "other")
    if other is not None:
        return made.operands[0], float(other)
    for spread, eps in (made.operands, made.operands[::-1]):
        held = constant(eps, view)
        if held is not None and held >= 0:
            return spread, held
    return None


def _spread_axes(spread: str, value: str, view: View) -> tuple[str, tuple[int, ...], bool] | None:
    """Return the value that is normalised, the sizes of its last axes, and whether its mean is taken off."""
    made = view.producers.get(spread)
    if made is None or len(made.operands) != 1:
        return None
    centre = _centred(value, view)
    if isinstance(made.op, Var):
        if centre is None or made.op.correction != 0 or made.operands[0] != centre[0] or not made.op.keepdim:
            return None
        return _last(centre[0], made.op.dim, centre[1], view, True)
    if not isinstance(made.op, Mean) or not made.op.keepdim:
        return None
    squared = _squared(made.operands[0], view)
    if squared is None:
        return None
    if centre is not None and (squared == value or _centred(squared, view) == centre):
        return _last(centre[0], made.op.dim, centre[1], view, True)
    return _last(value, made.op.dim, made.op.dim, view, False) if squared == value else None


def _last(
    x: str, axes: tuple[int, ...] | None, others: tuple[int, ...] | None, view: View, centred: bool
) -> tuple[str, tuple[int, ...], bool] | None:
    rank = view.type(x).rank
    chosen = sorted(axis % rank for axis in axes or ())
    same = sorted(axis % rank for axis in others or ())
    if not chosen or chosen != same or chosen != list(range(rank - len(chosen), rank)):
        return None
    shape = view.type(x).shape[chosen[0] :]
    sizes = tuple(size for size in shape if isinstance(size, int))
    return (x, sizes, centred) if len(sizes) == len(shape) else None


def _centred(value: str, view: View) -> tuple[str, tuple[int, ...] | None] | None:
    """Return ``x`` and the axes where the value is ``x - mean(x)``."""
    made = view.producers.get(value)
    if made is None or made.op.name != "sub" or len(made.operands) != 2:
        return None
    mean = view.producers.get(made.operands[1])
    if mean is None or not isinstance(mean.op, Mean) or not mean.op.keepdim or mean.operands[0] != made.operands[0]:
        return None
    return made.operands[0], mean.op.dim


def _squared(value: str, view: View) -> str | None:
    made = view.producers.get(value)
    if made is None:
        return None
    if made.op.name == "pow":
        exponent = number(made.op, "other")
        if exponent is None and len(made.operands) == 2:
            exponent = constant(made.operands[1], view)
        return made.operands[0] if exponent == 2 else None
    both = made.op.name == "mul" and len(made.operands) == 2 and made.operands[0] == made.operands[1]
    return made.operands[0] if both else None


def weighted(node: Node, view: View) -> Rewrite:
    """A normalised value times a parameter of its shape is the norm with that weight."""
    if len(node.operands) != 2:
        return None
    for norm, weight in (node.operands, node.operands[::-1]):
        made, source = view.producers.get(norm), view.producers.get(weight)
        if made is None or source is None or source.op.name not in WEIGHTS or len(made.operands) != 1:
            continue
        op = made.op
        if (
            isinstance(op, LayerNorm | RmsNorm)
            and not op.elementwise_affine
            and source.type.shape == op.normalized_shape
        ):
            changes: dict[str, object] = {"elementwise_affine": True}
            if isinstance(op, LayerNorm):
                changes["bias"] = False
            return view.become(node, op.replace(**changes), made.operands[0], weight)
    return None


def biased(node: Node, view: View) -> Rewrite:
    """A layer norm with a weight and no bias, plus a parameter of its shape, is the norm with both."""
    if len(node.operands) != 2:
        return None
    for norm, bias in (node.operands, node.operands[::-1]):
        made, source = view.producers.get(norm), view.producers.get(bias)
        if made is None or source is None or source.op.name not in WEIGHTS or len(made.operands) != 2:
            continue
        op = made.op
        if isinstance(op, LayerNorm) and not op.bias and source.type.shape == op.normalized_shape:
            return view.become(node, op.replace(bias=True), *made.operands, bias)
    return None


RULES: dict[str, tuple[Rule, ...]] = {"mul": (normalised, weighted), "div": (normalised,), "add": (biased,)}
