"""Rules for windows: padding goes into them, and one over the whole map is ``adaptive_avg_pool2d`` or ``amax``."""

from __future__ import annotations

import math

from ...ir import Dim, Node
from ...ir.ops.convolution import ForwardConvolution
from ...ir.ops.pooling import AdaptiveAvgPool2d, AdaptivePool, AvgPool2d, Interpolate, WindowPool
from ...ir.ops.reduction import Amax, Mean
from ...ir.ops.shape import Pad
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


def pool_to_one(node: Node, view: View) -> Rewrite:
    """Adaptive pooling to size 1 reduces the axes of the map; the mean of a plane stays as it is."""
    assert isinstance(node.op, AdaptivePool)
    if any(size != 1 for size in node.op.output_size) or node.op == GLOBAL or len(node.results) > 1:
        return None
    reduction = Mean if "avg" in node.op.name else Amax
    return view.become(node, reduction(dim=tuple(range(2, node.type.rank)), keepdim=True))


def largest_over_space(node: Node, view: View) -> Rewrite:
    """The largest of one window that covers the map is the largest along its axes."""
    assert isinstance(node.op, WindowPool)
    x = view.type(node.operands[0])
    if node.op.kernel_size != x.shape[2:] or any(size != 0 for size in node.op.padding):
        return None
    return view.become(node, Amax(dim=tuple(range(2, x.rank)), keepdim=True))


def window(node: Node, view: View) -> Rewrite:
    """Leave out of a pooling window what is its default or changes nothing."""
    assert isinstance(node.op, WindowPool)
    op = node.op
    changes: dict[str, object] = {}
    if op.stride == op.kernel_size:
        changes["stride"] = None
    if op.ceil_mode and view.become(node, op.replace(ceil_mode=False)) is not None:
        changes["ceil_mode"] = False
    unpadded = all(size == 0 for size in op.padding)
    if (
        unpadded
        and not {**op.attributes(), **changes}["ceil_mode"]
        and op.attributes().get("count_include_pad") is False
    ):
        changes["count_include_pad"] = True
    return view.become(node, op.replace(**changes)) if changes else None


def padded(node: Node, view: View) -> Rewrite:
    """Padding on both sides alike with what a window pads with itself goes into the window."""
    assert isinstance(node.op, ForwardConvolution | WindowPool)
    op, made = node.op, view.operand(node, "pad")
    fill = -math.inf if op.name.startswith("max") else 0
    if made is None or not isinstance(made.op, Pad) or made.op.mode != "constant" or (made.op.value or 0) != fill:
        return None
    extra = _on_both_sides(made.op.pad, len(op.kernel_size))
    if extra is None or (isinstance(op, WindowPool) and not _may_pad(op, extra)):
        return None
    sizes = tuple(a + b for a, b in zip(op.padding, extra, strict=True))
    return view.become(node, op.replace(padding=sizes), *made.operands, *node.operands[1:])


def _may_pad(op: WindowPool, extra: tuple[int, ...]) -> bool:
    """Return whether the padding may be the pool's own: at most half a window, and counted in a mean."""
    counts = op.attributes().get("count_include_pad") is not False
    pairs = zip(op.kernel_size, op.padding, extra, strict=True)
    fits = all(isinstance(k, int) and isinstance(p, int) and 2 * (p + more) <= k for k, p, more in pairs)
    return counts and fits and not op.ceil_mode


def _on_both_sides(pad: tuple[Dim, ...], rank: int) -> tuple[int, ...] | None:
    """Return what is added on either side of each of the last axes, first axis first; None where sides differ."""
    sizes = [size for size in pad if isinstance(size, int) and size >= 0]
    pairs = [*zip(sizes[::2], sizes[1::2], strict=False), *[(0, 0)] * rank]
    if len(sizes) < len(pad) or any(a != b for a, b in pairs) or any(a for a, _ in pairs[rank:]):
        return None
    return tuple(a for a, _ in reversed(pairs[:rank]))


def interpolate(node: Node, view: View) -> Rewrite:
    """Corners that are not aligned are the default."""
    assert isinstance(node.op, Interpolate)
    return view.become(node, node.op.replace(align_corners=None)) if node.op.align_corners is False else None


def pool_to_same_size(node: Node, view: View) -> Rewrite:
    """Drop adaptive pooling to the size that is there."""
    assert isinstance(node.op, AdaptivePool)
    return Same(node.operands[0]) if node.type == view.type(node.operands[0]) else None


CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
MAX_POOLS = ("max_pool1d", "max_pool2d", "max_pool3d")
AVG_POOLS = ("avg_pool1d", "avg_pool2d", "avg_pool3d")
ADAPTIVE = (
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
)
RULES: dict[str, tuple[Rule, ...]] = {
    "mean": (mean_over_space,),
    **dict.fromkeys(CONVOLUTIONS, (padded,)),
    **dict.fromkeys(MAX_POOLS, (largest_over_space, window, padded)),
    **dict.fromkeys(AVG_POOLS, (window, padded)),
    "avg_pool2d": (window_over_space, window, padded),
    **dict.fromkeys(ADAPTIVE, (pool_to_same_size, pool_to_one)),
    "interpolate": (interpolate,),
}
