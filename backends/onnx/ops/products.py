"""Attention and sums of products."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ....ir import Dim, DType
from ..writer import Site, Value


def _einsum(site: Site) -> Value:
    inputs = [site.cast(v, t.dtype, site.result.dtype) for v, t in zip(site.operands, site.types, strict=True)]
    return site.add("Einsum", *inputs, equation=site.get("equation").replace(" ", ""))


def _attention(site: Site) -> Value:
    """``softmax(q k^T * scale + mask) v``, step by step; the Attention operator of opset 23 few runtimes have."""
    query, key, value = site.operands[:3]
    width = site.types[1].shape[-1]
    if site.get("enable_gqa"):
        key, value = (_shared(site, place) for place in (1, 2))
    order = [*range(site.types[1].rank - 2), site.types[1].rank - 1, site.types[1].rank - 2]
    scores = site.add("MatMul", query, site.add("Transpose", key, perm=order))
    scores = site.add("Mul", scores, _scale(site, width))
    if site.get("is_causal"):
        scores = site.add("Where", _triangle(site), scores, site.number(-math.inf))
    if len(site.operands) > 3:
        scores = _masked(site, scores)
    return site.add("MatMul", site.add("Softmax", scores, axis=-1), value)


def _scale(site: Site, width: Dim) -> Value:
    scale = site.get("scale")
    if scale is None and not isinstance(width, int):
        return site.add("Reciprocal", site.add("Sqrt", site.number(width)))
    return site.number(1 / math.sqrt(float(str(width))) if scale is None else scale)


def _masked(site: Site, scores: Value) -> Value:
    mask, dtype = site.operands[3], site.types[3].dtype
    if dtype is DType.BOOL:
        return site.add("Where", mask, scores, site.number(-math.inf))
    return site.add("Add", scores, site.cast(mask, dtype, site.type.dtype))


def _triangle(site: Site) -> Value:
    """Return truth values ``[length of query, length of key]``: which keys each place may look at."""
    lengths = site.sizes([site.types[0].shape[-2], site.types[1].shape[-2]])
    ones = site.add("Expand", site.number(1.0, DType.F32), lengths)
    return site.cast(site.add("Trilu", ones, upper=0), DType.F32, DType.BOOL)


def _shared(site: Site, place: int) -> Value:
    """Return keys or values with each head repeated for the queries that share it."""
    shape, heads = site.types[place].shape, site.types[0].shape[-3]
    if shape[-3] == heads:
        return site.operands[place]
    lead, (count, length, width) = shape[:-3], shape[-3:]
    apart: Sequence[Dim] = (*lead, count, 1, length, width)
    wide: Sequence[Dim] = (*lead, count, heads // count, length, width)
    split = site.reshaped(site.operands[place], shape, apart)
    repeated = site.add("Expand", split, site.sizes(wide))
    return site.reshaped(repeated, wide, (*lead, heads, length, width))


PRODUCTS: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "einsum": _einsum,
        "scaled_dot_product_attention": _attention,
    }
)
