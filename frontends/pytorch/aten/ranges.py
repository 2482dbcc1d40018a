"""Which integers are known not to be negative, so that they are places counted from the front."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import torch
from torch import fx
from torch._ops import OpOverload

from ..folding import known
from ..overloads import overload

if TYPE_CHECKING:
    from ..translation import Translation

_DEPTH = 12
_COUNTS = frozenset("zeros ones zeros_like ones_like new_zeros new_ones argmax argmin argsort".split())
_PLACES = frozenset({"topk", "sort", "max", "min"})
_SUMS = frozenset("add mul floor_divide minimum maximum".split())
_KEEPS = frozenset(
    """view reshape _unsafe_view flatten unflatten squeeze unsqueeze expand expand_as permute transpose t contiguous
    clone detach alias slice select index index_select to _to_copy repeat tile cat stack cumsum lift_fresh_copy sum
    roll flip""".split()
)


def nonnegative(translation: Translation, node: object, depth: int = _DEPTH) -> bool:
    """Return whether no element of a node is negative, as far as can be told from how it is made."""
    if isinstance(node, int | float):
        return bool(node >= 0)
    if not isinstance(node, fx.Node) or depth == 0:
        return False
    if isinstance(node.meta.get("val"), torch.SymInt):
        return isinstance(node.target, OpOverload) and overload(node.target).base == "sym_size"
    value = known(translation, node)
    if value is not None:
        return bool((value >= 0).all())
    if node.target is operator.getitem:
        return _is_place(node)
    return isinstance(node.target, OpOverload) and _made(translation, node, overload(node.target).base, depth - 1)


def _is_place(node: fx.Node) -> bool:
    """Return whether a node is the second result of an ordering: where the elements stood."""
    source = node.args[0]
    if not isinstance(source, fx.Node) or not isinstance(source.target, OpOverload):
        return False
    return overload(source.target).base in _PLACES and bool(node.args[1] == 1)


def _made(translation: Translation, node: fx.Node, base: str, depth: int) -> bool:
    """Return whether the call of a node gives nothing negative."""
    if base in _COUNTS:
        return True
    if base == "remainder":
        return isinstance(node.args[1], int) and node.args[1] > 0
    if base == "clamp":
        return len(node.args) > 1 and isinstance(node.args[1], int | float) and bool(node.args[1] >= 0)
    if base in _SUMS or base == "arange":
        return all(nonnegative(translation, item, depth) for item in node.args)
    tensors = [inner for inner in node.all_input_nodes if isinstance(inner.meta.get("val"), torch.Tensor)]
    return base in _KEEPS and all(nonnegative(translation, inner, depth) for inner in tensors)
