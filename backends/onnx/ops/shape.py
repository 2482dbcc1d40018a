"""Ops that move or repeat elements without changing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ....ir import Dim, DType
from ..writer import Site, Value
from .selection import LAST, cut


def _reshape(site: Site) -> Value:
    return site.reshaped(site.x, site.type.shape, site.result.shape)


def _flatten(site: Site) -> Value:
    rank = site.type.rank
    if rank > 1 and site.get("start_dim") % rank == 1 and site.get("end_dim") % rank == rank - 1:
        return site.add("Flatten", site.x, axis=1)
    return _reshape(site)


def _transpose(site: Site) -> Value:
    order = list(range(site.type.rank))
    a, b = site.get("dim0"), site.get("dim1")
    order[a], order[b] = order[b], order[a]
    return site.add("Transpose", site.x, perm=order)


def _permute(site: Site) -> Value:
    return site.add("Transpose", site.x, perm=[axis % site.type.rank for axis in site.get("dims")])


def _squeeze(site: Site) -> Value:
    rank, dims = site.type.rank, site.get("dim")
    named = range(rank) if dims is None else sorted(axis % rank for axis in dims)
    axes = [axis for axis in named if site.type.shape[axis] == 1]
    return site.add("Squeeze", site.x, site.axes(*axes)) if axes else site.x


def _unsqueeze(site: Site) -> Value:
    return site.add("Unsqueeze", site.x, site.axes(site.get("dim") % site.result.rank))


def _expand(site: Site) -> Value:
    shape = site.get("shape")
    return site.add("Expand", site.x, site.sizes([1 if size == -1 else size for size in shape]))


def _repeat(site: Site) -> Value:
    repeats = site.get("repeats")
    lead = len(repeats) - site.type.rank
    x = site.add("Unsqueeze", site.x, site.axes(*range(lead))) if lead else site.x
    return site.add("Tile", x, site.sizes(repeats))


_MODES = {"constant": None, "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pad(site: Site) -> Value:
    pad, mode = site.get("pad"), site.get("mode")
    if mode == "circular" and site.opset < 19:
        raise site.error("ONNX cannot express circular padding before opset 19", "give --opset 19 or a newer one")
    axes = [site.type.rank - 1 - i for i in range(len(pad) // 2)]
    given: list[Dim] = [*pad[0::2], *pad[1::2]]
    value = site.get("value")
    filler = None if mode != "constant" or value is None else site.number(value)
    return site.add("Pad", site.x, site.sizes(given), filler, site.axes(*axes), mode=_MODES[mode])


def _roll(site: Site) -> Value:
    x = site.x
    for shift, dim in zip(site.get("shifts"), site.get("dims"), strict=True):
        axis = dim % site.type.rank
        size = site.type.shape[axis]
        steps = shift % size if isinstance(shift, int) and isinstance(size, int) and size else shift
        if steps != 0:
            x = site.add("Concat", cut(site, x, axis, -steps, LAST), cut(site, x, axis, 0, -steps), axis=axis)
    return x


def _flip(site: Site) -> Value:
    axes = [axis % site.type.rank for axis in site.get("dims")]
    back = [-1] * len(axes)
    return site.add(
        "Slice", site.x, site.axes(*back), site.axes(*(-LAST for _ in axes)), site.axes(*axes), site.axes(*back)
    )


def _triangle(site: Site) -> Value:
    return site.add(
        "Trilu", site.x, site.number(site.get("diagonal"), DType.I64), upper=int(site.node.op.name == "triu")
    )


SHAPE: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "expand": _expand,
        "flatten": _flatten,
        "flip": _flip,
        "pad": _pad,
        "permute": _permute,
        "repeat": _repeat,
        "reshape": _reshape,
        "roll": _roll,
        "squeeze": _squeeze,
        "transpose": _transpose,
        "tril": _triangle,
        "triu": _triangle,
        "unflatten": _reshape,
        "unsqueeze": _unsqueeze,
    }
)
