"""Ops that join tensors, split them, or choose parts of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ....ir import Dim, DType
from ..writer import Site, Value

LAST = 2**63 - 1
"""An index that lies behind the end of every axis."""


def _joined(site: Site) -> list[Value]:
    wanted = site.result.dtype
    return [site.cast(v, t.dtype, wanted) for v, t in zip(site.operands, site.types, strict=True)]


def _cat(site: Site) -> Value:
    return site.add("Concat", *_joined(site), axis=site.get("dim"))


def _stack(site: Site) -> Value:
    axis = site.get("dim") % site.result.rank
    rows = [site.add("Unsqueeze", value, site.axes(axis)) for value in _joined(site)]
    return site.add("Concat", *rows, axis=axis)


def _split(site: Site) -> Sequence[Value]:
    sizes = site.get("sizes")
    return site.add_many("Split", len(sizes), site.x, site.sizes(sizes), axis=site.get("dim"))


def _unbind(site: Site) -> Sequence[Value]:
    axis, count = site.get("dim") % site.type.rank, len(site.node.results)
    parts = site.add_many("Split", count, site.x, axis=axis, num_outputs=count) if count > 1 else [site.x]
    return [site.add("Squeeze", part, site.axes(axis)) for part in parts]


def _select(site: Site) -> Value:
    return site.add("Gather", site.x, site.number(site.get("index"), DType.I64), axis=site.get("dim"))


def cut(site: Site, x: Value, axis: int, start: Dim, end: Dim, step: int = 1) -> Value:
    """Return every ``step``-th element of an axis between two places."""
    bounds = [site.sizes([start]), site.sizes([end]), site.axes(axis)]
    return site.add("Slice", x, *bounds, *([site.axes(step)] if step != 1 else []))


def _slice(site: Site) -> Value:
    end = site.get("end")
    return cut(site, site.x, site.get("dim"), site.get("start"), LAST if end is None else end, site.get("step"))


def _index(site: Site) -> Value:
    return site.add("Gather", site.x, site.operands[1], axis=site.get("dim"))


SELECTION: Mapping[str, Callable[[Site], Value | Sequence[Value]]] = MappingProxyType(
    {
        "cat": _cat,
        "index": _index,
        "select": _select,
        "slice": _slice,
        "split": _split,
        "stack": _stack,
        "unbind": _unbind,
    }
)
