"""One application of a Keras layer or operation, as its rule sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from .layout import Order, Shape, Value
from .walk import Unsupported, Walk


class Call:
    """A layer (or operation) with what it is applied to; tensors are values, the rest is as the model gives it."""

    def __init__(self, walk: Walk, layer: Any, path: str, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Keep them."""
        self.walk = walk
        self.layer = layer
        self.path = path
        self.args = tuple(args)
        self.kwargs = kwargs

    @property
    def x(self) -> Value:
        """The first tensor."""
        return self.values[0]

    @property
    def values(self) -> list[Value]:
        """All positional tensors, also those in a list."""
        return [value for argument in self.args for value in _leaves(argument)]

    def get(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument by position or name, else the attribute of the operation."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, getattr(self.layer, name, default))

    def shape(self, value: Value | None = None) -> Shape:
        """Return a value's shape as Keras sees it."""
        return self.walk.shape(value or self.x)

    def emit(self, op: str, *operands: Value | str, path: str | None = None, **attributes: object) -> str:
        """Add a node at this layer's path and return its name."""
        names = [operand.name if isinstance(operand, Value) else operand for operand in operands]
        return self.walk.emit(op, *names, path=self.path if path is None else path, **attributes)

    def same(self, op: str, value: Value | None = None, path: str | None = None, **attributes: object) -> Value:
        """Add a node that keeps every element's place."""
        value = value or self.x
        return Value(self.emit(op, value, path=path, **attributes), value.order, value.rows)

    def plain(self, value: Value | None = None) -> Value:
        """Return a value with its axes as Keras has them."""
        return self.walk.plain(value or self.x, self.path)

    def first(self, value: Value | None = None) -> Value:
        """Return a value with its channels first, whatever the layer's data format."""
        value = value or self.x
        if getattr(self.layer, "data_format", "") == "channels_first":
            return self.plain(value)
        return self.walk.first(value, self.path)

    def spatial(self, name: str, like: Value) -> Value:
        """Return a result that lies as ``like``, what ``first`` gave."""
        return Value(name, like.order)

    def ordered(self, value: Value, order: Order) -> Value:
        """Return a value in this order."""
        return self.walk.ordered(value, order, self.path)

    def axis(self, axis: int, value: Value | None = None) -> int:
        """Return where an axis of Keras lies in the IR."""
        value = value or self.x
        return value.order.index(axis % len(value.order))

    def own(self, slot: str, tensor: Any, path: str | None = None) -> None:
        """Keep a weight of the layer, given in PyTorch's layout."""
        self.walk.own(f"{self.path if path is None else path}.{slot}", as_tensor(tensor))

    def literal(self, array: Any, name: str = "value") -> Value:
        """Return an array that the model holds."""
        return self.walk.literal(f"{self.path}.{name}", array)

    def fail(self, what: str) -> NoReturn:
        """Raise Unsupported."""
        raise Unsupported(what, self.path)


Rule = Callable[[Call], "Value | tuple[Value, ...]"]


def as_tensor(variable: Any) -> Tensor:
    """Return a Keras variable, an array or a tensor as a tensor apart from the model's graph."""
    value = getattr(variable, "value", variable)
    if isinstance(value, Tensor):
        return value.detach()
    return torch.from_numpy(np.asarray(value))


def _leaves(argument: Any) -> list[Value]:
    if isinstance(argument, Value):
        return [argument]
    if isinstance(argument, list | tuple):
        return [value for item in argument for value in _leaves(item)]
    return []


def sizes(value: Any, rank: int) -> tuple[int, ...]:
    """Return ``rank`` numbers, of one for all or of as many."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(item) for item in value)
