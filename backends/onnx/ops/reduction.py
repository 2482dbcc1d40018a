"""Reductions along axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ....ir import Dim, DType, product
from ..writer import Site, Value


def _axes(site: Site) -> tuple[int, ...]:
    given = site.get("dim")
    axes = (given,) if isinstance(given, int) else given or range(site.type.rank)
    return tuple(axis % max(site.type.rank, 1) for axis in axes)


def _reduce(site: Site, type: str, x: Value, axes: Sequence[int], keepdims: int) -> Value:
    """Reduce along axes; where these are all, ONNX wants none named."""
    if not axes:
        return x
    named = [] if len(axes) == site.type.rank else [site.axes(*axes)]
    return site.add(type, x, *named, keepdims=keepdims)


def _reduction(type: str) -> Callable[[Site], Value]:
    def write(site: Site) -> Value:
        x = site.cast(site.x, site.type.dtype, site.result.dtype)
        return _reduce(site, type, x, _axes(site), int(site.get("keepdim")))

    return write


def _var(site: Site) -> Value:
    """``sum((x - mean)^2) / (count - correction)``, the count computed where it is symbolic."""
    axes, keepdims = _axes(site), int(site.get("keepdim"))
    centred = site.add("Sub", site.x, _reduce(site, "ReduceMean", site.x, axes, 1))
    total = _reduce(site, "ReduceSumSquare", centred, axes, keepdims)
    return site.add("Div", total, _less(site, product(site.type.shape[axis] for axis in axes)))


def _less(site: Site, count: Dim) -> Value:
    """Return the count less the correction, at least 0."""
    correction = float(site.get("correction"))
    if isinstance(count, int):
        return site.number(max(count - correction, 0.0))
    rest = site.add("Sub", site.number(count), site.number(correction))
    return site.add("Max", rest, site.number(0.0))


def _std(site: Site) -> Value:
    return site.add("Sqrt", _var(site))


def norm(site: Site, x: Value, axes: Sequence[int], order: float, keepdims: int) -> Value:
    """Return the norm of an order along axes."""
    if order == 2:
        return _reduce(site, "ReduceL2", x, axes, keepdims)
    if order == 1:
        return _reduce(site, "ReduceL1", x, axes, keepdims)
    size = site.add("Abs", x)
    if math.isinf(order):
        return _reduce(site, "ReduceMax" if order > 0 else "ReduceMin", size, axes, keepdims)
    if order == 0:
        some = site.add("Not", site.add("Equal", x, site.number(0)))
        return _reduce(site, "ReduceSum", site.cast(some, DType.BOOL, site.type.dtype), axes, keepdims)
    total = _reduce(site, "ReduceSum", site.add("Pow", size, site.number(order)), axes, keepdims)
    return site.add("Pow", total, site.number(1 / order))


def _vector_norm(site: Site) -> Value:
    return norm(site, site.x, _axes(site), site.get("ord"), int(site.get("keepdim")))


def _argmax(site: Site) -> Value:
    return site.add("ArgMax", site.x, axis=site.get("dim"), keepdims=int(site.get("keepdim")))


def _topk(site: Site) -> Sequence[Value]:
    given = {"largest": int(site.get("largest")), "sorted": int(site.get("sorted"))}
    return site.add_many("TopK", 2, site.x, site.sizes([site.get("k")]), axis=site.get("dim"), **given)


def _sort(site: Site) -> Sequence[Value]:
    """All elements are the largest ones, in order; of equal ones the first comes first, so the order is stable."""
    axis = site.get("dim") % site.type.rank
    count = site.sizes([site.type.shape[axis]])
    return site.add_many("TopK", 2, site.x, count, axis=axis, largest=int(site.get("descending")))


def _cumsum(site: Site) -> Value:
    x = site.cast(site.x, site.type.dtype, site.result.dtype)
    return site.add("CumSum", x, site.number(site.get("dim"), DType.I64))


REDUCTION: Mapping[str, Callable[[Site], Value | Sequence[Value]]] = MappingProxyType(
    {
        "amax": _reduction("ReduceMax"),
        "amin": _reduction("ReduceMin"),
        "argmax": _argmax,
        "cumsum": _cumsum,
        "mean": _reduction("ReduceMean"),
        "prod": _reduction("ReduceProd"),
        "sort": _sort,
        "std": _std,
        "sum": _reduction("ReduceSum"),
        "topk": _topk,
        "var": _var,
        "vector_norm": _vector_norm,
    }
)
