"""Folding: calls that depend on nothing but numbers are run once, and their values become a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import fx
from torch._ops import OpOverload
from torch.fx.node import map_arg

from .overloads import overload
from .places import loc_of, path_of
from .state import encode

if TYPE_CHECKING:
    from .translation import Translation

_ELEMENTS = 1 << 20


def fold(translation: Translation, node: fx.Node) -> str | None:
    """Return the value of a constant that stands for the call; None where it depends on inputs or weights."""
    value = _run(translation, node, {})
    if not isinstance(value, torch.Tensor):
        return None
    data = encode(value)
    if not data:
        return None
    path = path_of(node)
    key = f"{path}.{node.name}" if path else node.name
    return translation.constant(key, value, data, loc_of(node, path))


def known(translation: Translation, node: fx.Node) -> torch.Tensor | None:
    """Return the value of a tensor that depends on nothing but numbers and tables; None for others."""
    value = _run(translation, node, {})
    return value if isinstance(value, torch.Tensor) else None


def _run(translation: Translation, node: fx.Node, seen: dict[fx.Node, Any]) -> Any:
    """Return the result of a call whose arguments are all numbers, at any depth; None where they are not."""
    node = translation.resolve(node)
    if node in seen:
        return seen[node]
    seen[node] = None
    if translation.written(node):
        return None
    if node.op == "placeholder":
        return _table(translation, node)
    made = node.meta.get("val")
    if node.op != "call_function" or not isinstance(node.target, OpOverload) or not _is_small(made):
        return None
    if overload(node.target).writes:
        return None
    values = {inner: _run(translation, inner, seen) for inner in node.all_input_nodes}
    if any(value is None for value in values.values()):
        return None
    args, kwargs = map_arg((node.args, dict(node.kwargs)), lambda inner: values[inner])
    seen[node] = node.target(*args, **kwargs)
    return seen[node]


def _table(translation: Translation, node: fx.Node) -> torch.Tensor | None:
    """Return a tensor that the model owns and that belongs to its architecture: it is in the text form."""
    owned = translation.state.get(node.name)
    return owned.tensor if owned is not None and owned.is_table else None


def _is_small(made: object) -> bool:
    """Return whether a result is a tensor of known and moderate size."""
    if not isinstance(made, torch.Tensor) or any(isinstance(size, torch.SymInt) for size in made.shape):
        return False
    return made.numel() <= _ELEMENTS
