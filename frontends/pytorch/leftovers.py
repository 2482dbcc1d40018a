"""What the state dict holds beyond what the program reads: unused tensors, and further names of tied ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ...ir import Builder, arity
from .sizes import DTYPES, Sizes
from .state import encode, first_keys


def add_leftovers(builder: Builder, sizes: Sizes, state: Mapping[str, Tensor], trained: frozenset[str]) -> None:
    """Add a node for every key of a state dict that no node stands for, so that it can be loaded as it is.

    A tensor that is there under another name already is said to be tied to that; others are read by nothing.
    """
    covered = set(_covered(builder))
    first = first_keys(state)
    for key, tensor in state.items():
        if key in covered or tensor.dtype not in DTYPES:
            continue
        tied = next((k for k, value in first.items() if value == first[key] and k in covered), "")
        _add(builder, sizes, key, tensor, tied, key in trained)
        covered.add(key)


def _covered(builder: Builder) -> Iterator[str]:
    """Return the keys of the tensors that the nodes of a graph own."""
    for node in builder.nodes:
        key = node.op.attributes().get("key")
        if isinstance(key, str):
            yield key
            continue
        most = arity(type(node.op))[1]
        given = most is None or len(node.operands) > most or not node.operands
        slots = () if given else node.op.state(tuple(builder.types[name] for name in node.operands))
        yield from (f"{node.path}.{slot.name}" if node.path else slot.name for slot in slots)


def _add(builder: Builder, sizes: Sizes, key: str, tensor: Tensor, tied: str, trained: bool) -> None:
    type = sizes.type(tensor)
    facts = {"name": key, "key": key, "shape": type.shape, "dtype": type.dtype, "tied": tied}
    if trained:
        builder("parameter", **facts)  # type: ignore[arg-type]
        return
    table = not (tensor.is_floating_point() or tensor.is_complex() or tied)
    builder("constant", **facts, data=encode(tensor) if table else "")  # type: ignore[arg-type]


def trained_keys(state: Mapping[str, Tensor]) -> frozenset[str]:
    """Return the keys of the tensors that are parameters."""
    return frozenset(key for key, tensor in state.items() if isinstance(tensor, torch.nn.Parameter))
