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
from torch.fx.node import map_arg

from ...ir import Dim
from .overloads import overload
from .patching import from_front, put_index, put_slice
from .site import Site, Values

if TYPE_CHECKING:
    from .translation import Translation

_RESHAPES = frozenset(
    "view reshape _unsafe_view view_as flatten unflatten squeeze unsqueeze contiguous detach alias to".split()
)
# Calls that give a view where they can and a copy where they cannot.
_MAY_COPY = frozenset("reshape reshape_as flatten ravel contiguous to".split())


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

    def written(self, node: fx.Node) -> bool:
        """Return whether something was written to a node's memory."""
        return self._writes.get(self._root(node), 0) > 0

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
    called = overload(node.target)
    if not called.shares:
        return None
    copied = called.base in _MAY_COPY and not _same_memory(node.meta.get("val"), node.args[0].meta.get("val"))
    return None if copied and not _views_again(node) else node.args[0]


def _same_memory(result: object, operand: object) -> bool:
    if not isinstance(result, torch.Tensor) or not isinstance(operand, torch.Tensor):
        return True
    first, second = cast("Any", result.untyped_storage()), cast("Any", operand.untyped_storage())
    return bool(first._cdata == second._cdata)


def _views_again(node: fx.Node) -> bool:
    """Return whether a call that may copy gives a view when it is run again on tensors without values.

    A program that was saved has lost which of its tensors share memory.
    """
    target, first = cast("OpOverload", node.target), cast("fx.Node", node.args[0])
    args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda inner: inner.meta["val"])
    try:
        return _same_memory(target(*args, **kwargs), first.meta["val"])
    except Exception:
        return False


def put_back(translation: Translation, view: fx.Node, whole: fx.Node, part: Values) -> Values:
    """Return the value of ``whole`` with the part that ``view`` stands for replaced. Raises NascError.

    The value of a call that splits a tensor is the tuple of its parts.
    """
    site = translation.site(view)
    if not isinstance(view.target, OpOverload):
        return _in_parts(translation, view, whole, part)
    name = overload(view.target).base
    if isinstance(part, tuple):
        stacked = name == "unbind"
        return site.emit("stack" if stacked else "cat", *part, dim=site.args["dim"])
    shape = translation.sizes.type(whole.meta["val"]).shape
    if name in ("select", "slice"):
        return _put_into(translation, site, whole, part, shape)
    if name in _RESHAPES:
        return part if site.type(part).shape == shape else site.emit("reshape", part, shape=shape)
    if name in ("transpose", "t", "mT", "numpy_T"):
        first, second = site.args.get("dim0", -2), site.args.get("dim1", -1)
        return site.emit("transpose", part, dim0=first, dim1=second)
    if name == "permute":
        order = [axis % len(shape) for axis in site.args["dims"]]
        return site.emit("permute", part, dims=[order.index(axis) for axis in range(len(order))])
    raise site.unsupported("its result is written to in place", "write out of place: y = x + 1, torch.cat, torch.where")


def _put_into(translation: Translation, site: Site, whole: fx.Node, part: str, shape: tuple[Dim, ...]) -> str:
    """Return a whole with a slice of it, or one index of an axis, replaced."""
    before, axis = translation.value(whole), site.args["dim"] % len(shape)
    if overload(site.node.target).base == "select":
        return put_index(site, before, part, axis, site.args["index"])
    return put_slice(site, before, part, axis, from_front(site.args["start"], shape[axis]), site.args["step"])


def _in_parts(translation: Translation, view: fx.Node, whole: fx.Node, part: Values) -> Values:
    """Return the parts of a split tensor with the one that ``view`` takes replaced."""
    parts, position = translation.parts(whole), view.args[1]
    assert isinstance(position, int)
    assert isinstance(part, str)
    return (*parts[:position], part, *parts[position + 1 :])
