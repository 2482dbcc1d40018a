"""Rules for global pooling: one spelling, ``adaptive_avg_pool2d`` to size 1."""

from __future__ import annotations

from ...ir import Node
from ...ir.ops.pooling import AdaptiveAvgPool2d, AdaptivePool, AvgPool2d
from ...ir.ops.reduction import Mean
from .shape_rules import regrouping
from .sweep import Become, Rewrite, Rule, Same, View

GLOBAL = AdaptiveAvgPool2d(output_size=(1, 1))


def mean_over_space(node: Node, view: View) -> Rewrite:
    """The mean over H and W, also of a map flattened to ``[N,C,H*W]``, is global average pooling."""
    assert isinstance(node.op, Mean)
    source = node.operands[0]
    x = view.type(source)
    axes = sorted(axis % x.rank for axis in node.op.dim or ())
    flat = view.operand(node, "flatten")
    if x.rank == 3 and axes == [2] and flat is not None:
        source = flat.operands[0]
        x, axes = view.type(source), [2, 3]
    if x.rank != 4 or axes != [2, 3] or not x.dtype.is_floating:
        return None
    pooled = x.with_shape(*x.shape[:2], 1, 1)
    if pooled == node.type:
        return view.become(node, GLOBAL, source)
    name = view.fresh(f"{node.name}.pool")
    pool = view.node(node, GLOBAL, [source], name)
    return Become((pool, view.node(node, regrouping(pooled, node.type), [name])))


def window_over_space(node: Node, view: View) -> Rewrite:
    """An average over one window that covers the map is global average pooling."""
    assert isinstance(node.op, AvgPool2d)
    op, x = node.op, view.type(node.operands[0])
    if op.kernel_size != x.shape[2:] or any(p != 0 for p in op.padding) or op.divisor_override:
        return None
    return view.become(node, GLOBAL)


def pool_to_same_size(node: Node, view: View) -> Rewrite:
    """Drop adaptive pooling to the size that is there."""
    assert isinstance(node.op, AdaptivePool)
    return Same(node.operands[0]) if node.type == view.type(node.operands[0]) else None


RULES: dict[str, tuple[Rule, ...]] = {
    "mean": (mean_over_space,),
    "avg_pool2d": (window_over_space,),
    "adaptive_avg_pool1d": (pool_to_same_size,),
    "adaptive_avg_pool2d": (pool_to_same_size,),
    "adaptive_max_pool2d": (pool_to_same_size,),
}
