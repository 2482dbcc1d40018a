"""Rules for attention: ``softmax(q k^T * scale + mask) v`` written out is scaled_dot_product_attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...ir import Node, build
from ...ir.ops.activation import Softmax
from ...ir.ops.linear import ScaledDotProductAttention
from ...ir.ops.shape import Permute
from .arithmetic_rules import number
from .sweep import Become, Rewrite, Rule, View


@dataclass(frozen=True)
class Scaled:
    """A value and the number that it is multiplied by."""

    value: str
    factor: float


def attention(node: Node, view: View) -> Rewrite:
    """Fuse the products, the softmax and what scales and masks its operand, where nothing else reads them."""
    softmax = view.operand(node, "softmax")
    if softmax is None or not isinstance(softmax.op, Softmax) or softmax.op.dim != -1 or not view.alone(softmax.name):
        return None
    scores, mask = _masked(softmax.operands[0], view)
    outer = scaled(scores, view)
    product = view.producers.get(outer.value)
    if product is None or product.op.name != "matmul" or not view.alone(outer.value):
        return None
    query, turned = (scaled(name, view) for name in product.operands)
    made = view.producers.get(turned.value)
    if made is None or not isinstance(made.op, Permute):
        return None
    key, value = scaled(made.operands[0], view), node.operands[1]
    factor = outer.factor * query.factor * turned.factor * key.factor
    width = view.type(query.value).shape[-1]
    usual = isinstance(width, int) and width > 0 and math.isclose(factor, width**-0.5, rel_tol=1e-6)
    upright = _upright(node, made.op, key.value, view)
    heads = {view.type(name).shape[:-2] for name in (query.value, upright.name, value)}
    if len(heads) > 1 or node.type.rank < 3:
        return None
    op = build(ScaledDotProductAttention, {"scale": None if usual else factor})
    fused = view.become(node, op, query.value, upright.name, value, *mask)
    return None if fused is None else Become((upright, *fused.nodes))


def _upright(node: Node, turn: Permute, source: str, view: View) -> Node:
    """Return the node that makes the key, given how its transposed is made."""
    dims = tuple(axis % len(turn.dims) for axis in turn.dims)
    op = Permute(dims=(*dims[:-2], dims[-1], dims[-2]))
    return view.node(node, op, [source], view.fresh(f"{node.name}.key"))


def scaled(value: str, view: View) -> Scaled:
    """Return a value without the factors that only it is multiplied by."""
    factor = 1.0
    made = view.producers.get(value)
    while made is not None and made.op.name in ("mul", "div") and view.alone(value):
        other = number(made.op, "other")
        if not other:
            break
        factor = factor * other if made.op.name == "mul" else factor / other
        value = made.operands[0]
        made = view.producers.get(value)
    return Scaled(value, factor)


def _masked(value: str, view: View) -> tuple[str, tuple[str, ...]]:
    """Return the scores and the mask that is added to them; no mask where there is none."""
    made = view.producers.get(value)
    if made is None or made.op.name != "add" or len(made.operands) != 2 or not view.alone(value):
        return value, ()
    for scores, mask in (made.operands, made.operands[::-1]):
        product = view.producers.get(scaled(scores, view).value)
        if product is not None and product.op.name == "matmul" and view.type(scores) == made.type:
            return scores, (mask,)
    return value, ()


RULES: dict[str, tuple[Rule, ...]] = {"matmul": (attention,)}
