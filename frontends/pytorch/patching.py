"""Writing into a part: the whole put together anew from what was there and what replaces some of it."""

from __future__ import annotations

import torch

from ...ir import Dim, NascError
from .site import Site
from .state import encode


def put_slice(site: Site, whole: str, part: str, axis: int, start: Dim, step: int = 1) -> str:
    """Return ``whole`` with every ``step``-th element from ``start`` along an axis replaced by those of ``part``."""
    size, length = site.type(whole).shape[axis], site.type(part).shape[axis]
    if step != 1:
        return _spaced(site, whole, part, axis, start, step)
    end = start + length
    pieces = [] if start == 0 else [site.emit("slice", whole, dim=axis, start=0, end=start)]
    pieces.append(part)
    if end != size:
        pieces.append(site.emit("slice", whole, dim=axis, start=end))
    return pieces[0] if len(pieces) == 1 else site.emit("cat", *pieces, dim=axis)


def put_index(site: Site, whole: str, part: str, axis: int, index: Dim) -> str:
    """Return ``whole`` with the elements at one index of an axis replaced by ``part``, which has not this axis."""
    size = site.type(whole).shape[axis]
    start = size + index if isinstance(index, int) and index < 0 else index
    return put_slice(site, whole, site.emit("unsqueeze", part, dim=axis), axis, start)


def from_front(start: Dim | None, size: Dim) -> Dim:
    """Return where a slice of an axis starts, counted from the front."""
    if start is None:
        return 0
    if not isinstance(start, int):
        return start
    if start >= 0:
        return start if not isinstance(size, int) else min(start, size)
    front = size + start
    return max(front, 0) if isinstance(front, int) else front


def _spaced(site: Site, whole: str, part: str, axis: int, start: Dim, step: int) -> str:
    length = site.type(part).shape[axis]
    places = site.emit("arange", start=start, end=start + length * step, step=step)
    return scattered(site, whole, places, part, axis)


def scattered(site: Site, whole: str, places: str, part: str, axis: int, reduce: str = "none") -> str:
    """Return ``whole`` with the elements at places of an axis, a vector, replaced by or combined with ``part``."""
    shape = site.type(part).shape
    wide = [1] * len(shape)
    wide[axis] = -1
    index = site.emit("reshape", places, shape=wide) if len(shape) > 1 else places
    if site.type(index).shape != shape:
        index = site.emit("expand", index, shape=shape)
    return site.emit("scatter", whole, index, part, dim=axis, reduce=reduce)


def constant(site: Site, name: str, value: torch.Tensor) -> str:
    """Return a constant of the architecture. Raises NascError where it is too large to be written into the text."""
    data = encode(value)
    if not data and value.numel():
        raise site.unsupported(f"its table of {value.numel()} places is too large", "use a smaller input")
    key = f"{site.path}.{site.node.name}_{name}" if site.path else f"{site.node.name}_{name}"
    return site.translation.constant(key, value, data, site.loc)


def static(site: Site, *sizes: Dim) -> tuple[int, ...]:
    """Return sizes that have to be known. Raises NascError where one depends on the batch."""
    known = tuple(size for size in sizes if isinstance(size, int))
    if len(known) != len(sizes):
        raise symbolic(site)
    return known


def symbolic(site: Site) -> NascError:
    """Return the error that a call works along the batch."""
    return site.unsupported("it works along an axis whose size is not known", "lower with dynamic_batch=False")
