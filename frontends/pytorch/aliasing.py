"""Views and writes: what torch.export leaves in place is lowered to new values.

``y = relu_(x)`` makes a new value that ``x`` means from then on. A write into a view also changes what it is a view
of: the whole is put together anew from its parts, and other views of it are taken again when they are next read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import fx
from torch._ops import OpOverload

from ...ir import Dim
from .overloads import overload
from .site import Site

if TYPE_CHECKING:
    from .translation import Translation

_RESHAPES = frozenset(
    "view reshape _unsafe_view view_as flatten unflatten squeeze unsqueeze contiguous detach alias to".split()
)


class Aliases:
    """Which node is a view of which, and which views are out of date."""

    def __init__(self) -> None:
        """Start without views."""
        self._wholes: dict[fx.Node, fx.Node] = {}
        self._writes: dict[fx.Node, int] = {}
        self._seen: dict[fx.Node, int] = {}

    def view(self, node: fx.Node, whole: fx.Node) -> None:
        """Note that a node was just taken as a view of another, or of a part of it."""
        self._wholes[node] = whole
        self._seen[node] = self._writes.get(self._root(node), 0)

    def stale(self, node: fx.Node) -> bool:
        """Return whether something was written to a view's memory since it was taken."""
        return node in self._wholes and self._writes.get(self._root(node), 0) > self._seen[node]

    def wholes(self, node: fx.Node) -> list[tuple[fx.Node, fx.Node]]:
        """Return (view, what it is a view of) from a node outwards."""
        return list(self._outwards(node))

    def wrote(self, node: fx.Node) -> None:
        """Note a write to a node, after which it and all that it is a part of are up to date."""
        root = self._root(node)
        self._writes[root] = self._writes.get(root, 0) + 1
        for part, _ in self._outwards(node):
            self._seen[part] = self._writes[root]

    def _outwards(self, node: fx.Node) -> Iterator[tuple[fx.Node, fx.Node]]:
        while node in self._wholes:
            yield node, self._wholes[node]
            node = self._wholes[node]

    def _root(self, node: fx.Node) -> fx.Node:
        while node in self._wholes:
            node = self._wholes[node]
        return node


def viewed(node: fx.Node) -> fx.Node | None:
    """Return the node whose memory a call's result shares; None for a fresh result."""
    if not node.args or not isinstance(node.args[0], fx.Node):
        return None
    if not isinstance(node.target, OpOverload):
        return node.args[0]
    if not overload(node.target).shares:
        return None
    return node.args[0] if _same_memory(node.meta.get("val"), node.args[0].meta.get("val")) else None


def _same_memory(result: object, operand: object) -> bool:
    if not isinstance(result, torch.Tensor) or not isinstance(operand, torch.Tensor):
        return True
    first, second = cast("Any", result.untyped_storage()), cast("Any", operand.untyped_storage())
    return bool(first._cdata == second._cdata)


def put_back(translation: Translation, view: fx.Node, whole: fx.Node, part: str) -> str:
    """Return the value of ``whole`` with the part that ``view`` stands for replaced. Raises NascError."""
    site = translation.site(view)
    name = overload(view.target).base if isinstance(view.target, OpOverload) else "getitem"
    before = translation.value(whole) if name in ("select", "slice") else ""
    shape: tuple[Any, ...] = translation.sizes.type(whole.meta["val"]).shape if name != "getitem" else ()
    if name == "select":
        axis, index = site.args["dim"] % len(shape), site.args["index"]
        start = index if index >= 0 else shape[axis] + index
        return _patched(site, before, site.emit("unsqueeze", part, dim=axis), axis, start)
    if name == "slice" and site.args["step"] == 1:
        start = site.args["start"] or 0
        axis = site.args["dim"] % len(shape)
        return _patched(site, before, part, axis, start if not _negative(start) else shape[axis] + start)
    if name in _RESHAPES:
        return part if site.type(part).shape == shape else site.emit("reshape", part, shape=shape)
    if name in ("transpose", "t"):
        first, second = site.args.get("dim0", -2), site.args.get("dim1", -1)
        return site.emit("transpose", part, dim0=first, dim1=second)
    if name == "permute":
        order = [axis % len(shape) for axis in site.args["dims"]]
        return site.emit("permute", part, dims=[order.index(axis) for axis in range(len(order))])
    raise site.unsupported("its result is written to in place", "write out of place: y = x + 1, torch.cat, torch.where")


def _negative(start: Any) -> bool:
    return isinstance(start, int) and start < 0


def _patched(site: Site, whole: str, part: str, axis: int, start: Dim) -> str:
    """Return ``whole`` with the elements from ``start`` along an axis replaced by ``part``."""
    size, length = site.type(whole).shape[axis], site.type(part).shape[axis]
    end = start + length
    pieces = [] if start == 0 else [site.emit("slice", whole, dim=axis, start=0, end=start)]
    pieces.append(part)
    if end != size:
        pieces.append(site.emit("slice", whole, dim=axis, start=end))
    return pieces[0] if len(pieces) == 1 else site.emit("cat", *pieces, dim=axis)
