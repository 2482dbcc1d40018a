"""Reading a Keras graph: its nodes in order, what is nested in it, and which tensors are images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.models.functional import Functional

# What works on each element (or each channel) alone says nothing about the layout of its input.
_PASSING = frozenset(
    "Activation ReLU LeakyReLU ELU PReLU Softmax BatchNormalization Dropout SpatialDropout1D GaussianNoise Rescaling "
    "Normalization Add Subtract Multiply Average Maximum Minimum Concatenate Identity ActivityRegularization "
    "LayerScale StochasticDepth".split()
)


def functional_of(model: Any) -> Any:
    """Return the graph of a Functional or Sequential model; None for a model with a ``call`` of its own."""
    if isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call:
        return getattr(model, "_functional")  # noqa: B009 the graph has no public name
    return model if isinstance(model, Functional) and type(model).call is Functional.call else None


def nodes_of(functional: Any) -> Iterator[Any]:
    """Yield the nodes of a graph that are applied to something, in the order in which they run."""
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        for node in functional._nodes_by_depth[depth]:
            if node.operation is not None and not node.is_input:
                yield node


def path_of(prefix: str, layer: Any) -> str:
    """Return a layer's path: its name after those of the models around it, joined by dots."""
    name = re.sub(r"[^\w.]+", "_", str(layer.name).replace("/", ".")).strip(".") or "layer"
    return f"{prefix}.{name}" if prefix else name


def is_image(functional: Any, tensor: Any, *, forward: bool) -> bool:
    """Return whether a tensor's last axis is to come first: images and volumes, and sequences that are convolved.

    A tensor of three axes is a sequence of vectors unless the nearest layer with a data format (after it, or
    before it with ``forward=False``) is a channels-last one.
    """
    rank = len(tensor.shape)
    found = _data_format(functional, tensor, forward, set())
    if rank == 3:
        return found == "channels_last"
    return rank in (4, 5) and found != "channels_first"


def _data_format(functional: Any, tensor: Any, forward: bool, seen: set[int]) -> str:
    """Return the data format of the nearest layer that has one, past layers that do not mind."""
    nodes = list(nodes_of(functional))
    waiting = [tensor]
    while waiting:
        current = waiting.pop(0)
        for node in nodes:
            near = node.input_tensors if forward else node.outputs
            if id(node) in seen or all(current is not t for t in near):
                continue
            seen.add(id(node))
            found = _format_of(node, current, forward)
            if found:
                return found
            if type(node.operation).__name__ in _PASSING or not isinstance(node.operation, keras.Layer):
                waiting += node.outputs if forward else node.input_tensors
    return ""


def _format_of(node: Any, tensor: Any, forward: bool) -> str:
    inner = functional_of(node.operation)
    if inner is not None:
        outer = node.input_tensors if forward else node.outputs
        place = next(i for i, t in enumerate(outer) if t is tensor)
        own = inner.inputs if forward else inner.outputs
        return _data_format(inner, own[place], forward, set())
    name = type(node.operation).__name__
    return "" if name in ("Flatten", *_PASSING) else str(getattr(node.operation, "data_format", "") or "")
