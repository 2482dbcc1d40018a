"""Rules that find attention written out as products and a softmax."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, sqrt

from ...ir import Node, build
from ...ir.ops.activation import Softmax
from ...ir.ops.linear import ScaledDotProductAttention
from ...ir.ops.shape import Permute
from ..canonical.sweep import Become, Rewrite, Rule, View
from .scaling import scaled


@dataclass(frozen=True)
class Scores:
    """``scale * query key^T + mask``."""

    query: str
    key: str
    scale: float
    mask: str = ""


def attention(node: Node, view: View) -> Rewrite:
    """``softmax(scale q k^T + mask) v`` is scaled_dot_product_attention."""
    weights, value = node.operands
    made = view.producers.get(weights)
    rank = node.types[0].rank
    if made is None or not isinstance(made.op, Softmax) or made.op.dim % rank != rank - 1 or rank < 3:
        return None
    scores = _scores(made.operands[0], view)
    if scores is None or not view.type(value).dtype.is_floating:
        return None
    width = view.type(scores.query).shape[-1]
    own = isinstance(width, int) and isclose(scores.scale, 1 / sqrt(width), rel_tol=1e-4)
    op = build(ScaledDotProductAttention, {"scale": None if own else float(f"{scores.scale:.7g}")})
    key, before = _transposed(scores.key, node, view)
    operands = [scores.query, key, value, *([scores.mask] if scores.mask else [])]
    if min(view.type(name).rank for name in operands[:3]) < 2:
        return None
    new = view.node(node, op, operands)
    return Become((*before, new)) if new.types == node.types else None


def _scores(value: str, view: View) -> Scores | None:
    made = view.producers.get(value)
    if made is not None and made.op.name == "add" and len(made.operands) == 2:
        for product, mask in (made.operands, made.operands[::-1]):
            found = _product(product, view)
            if found is not None and view.type(mask).rank >= 2 and view.type(product) == made.types[0]:
                return Scores(found.query, found.key, found.scale, mask)
    return _product(value, view)


def _product(value: str, view: View) -> Scores | None:
    scale, value = scaled(value, view)
    made = view.producers.get(value)
    if made is None or made.op.name != "matmul":
        return None
    left, query = scaled(made.operands[0], view)
    right, key = scaled(made.operands[1], view)
    below, source = _under_permute(key, view)
    if min(view.type(query).rank, view.type(key).rank) < 3:
        return None
    return Scores(query, source or key, scale * left * right * below)


def _under_permute(key: str, view: View) -> tuple[float, str]:
    """Return the factor of what a permutation of a product moves; "" where there is none."""
    made = view.producers.get(key)
    if made is None or made.op.name not in ("permute", "transpose"):
        return 1.0, ""
    factor, _ = scaled(made.operands[0], view)
    return (factor, "") if factor == 1.0 else (factor, key)


def _transposed(value: str, node: Node, view: View) -> tuple[str, list[Node]]:
    """Return a value with its last two axes exchanged, and the nodes that this takes."""
    rank = view.type(value).rank
    order = [*range(rank - 2), rank - 1, rank - 2]
    made = view.producers.get(value)
    source = value
    if made is not None and made.op.name in ("permute", "transpose"):
        inner = _order(made, rank)
        _, source = scaled(made.operands[0], view)
        order = [inner[axis] for axis in order]
    if order == list(range(rank)):
        return source, []
    name = view.fresh(f"{node.name}.key")
    return name, [view.node(node, Permute(dims=tuple(order)), [source], name)]


def _order(made: Node, rank: int) -> list[int]:
    if isinstance(made.op, Permute):
        return [axis % rank for axis in made.op.dims]
    attributes = made.op.attributes()
    order = list(range(rank))
    a, b = (int(str(attributes[name])) % rank for name in ("dim0", "dim1"))
    order[a], order[b] = b, a
    return order


RULES: dict[str, tuple[Rule, ...]] = {"matmul": (attention,)}
