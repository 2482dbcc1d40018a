"""The walk over a Keras graph, layer by layer, that builds the graph of the IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...ir import OPS, Builder, Diagnostic, Dim, NascError, TensorType, build
from ...passes.canonical.shape_rules import regrouping
from ..pytorch.sizes import dtype_of
from ..pytorch.state import encode
from .layout import Order, Rows, Shape, Value, channels_first, identity, in_keras, moves_only_ones, regroup, reordered


class Unsupported(Exception):
    """A layer that no rule describes, or a use of it that the rule does not cover."""

    def __init__(self, what: str, path: str) -> None:
        """Keep what it is and where."""
        super().__init__(what)
        self.what = what
        self.path = path


class Walk:
    """Builds a graph from Keras layers, with their weights in PyTorch's layout by state-dict key."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.builder = Builder("main")
        self.weights: dict[str, Tensor] = {}
        self.scopes: dict[str, str] = {}
        self._constants: dict[str, str] = {}

    def type(self, value: Value) -> TensorType:
        """Return the type that a value has in the IR."""
        return self.builder.types[value.name]

    def shape(self, value: Value) -> Shape:
        """Return the shape of a value as Keras sees it."""
        return in_keras(self.type(value).shape, value.order)

    def emit(self, op: str, *operands: str, path: str = "", **attributes: object) -> str:
        """Add a node with one result."""
        return self.emit_parts(op, *operands, path=path, **attributes)[0]

    def emit_parts(self, op: str, *operands: str, path: str = "", **attributes: object) -> tuple[str, ...]:
        """Add a node with several results."""
        return self.builder.add(build(OPS[op], attributes), operands, path=path)

    def ordered(self, value: Value, order: Order, path: str = "") -> Value:
        """Return a value with its axes in this order; a permutation that moves only sizes of 1 is a reshape."""
        value = self.unrolled(value, path)
        if value.order == order:
            return value
        shape = self.shape(value)
        if moves_only_ones(shape, value.order, order):
            name = self._reshaped(value.name, reordered(shape, order), path)
        else:
            name = self.emit("permute", value.name, path=path, dims=tuple(value.order.index(axis) for axis in order))
        return Value(name, order)

    def plain(self, value: Value, path: str = "") -> Value:
        """Return a value with its axes as Keras has them."""
        return self.ordered(value, identity(len(value.order)), path)

    def first(self, value: Value, path: str = "") -> Value:
        """Return a value with its channels first."""
        return self.ordered(value, channels_first(len(value.order)), path)

    def unrolled(self, value: Value, path: str = "") -> Value:
        """Return a value whose features lie as in Keras, with no rows to remember."""
        rows = value.rows
        if rows is None:
            return value
        lead = self.type(value).shape[:-1]
        wide = self._reshaped(value.name, (*lead, *rows.sizes), path)
        at = len(lead)
        dims = (*range(at), *(at + rows.axes.index(axis) for axis in range(len(rows.axes))))
        moved = self.emit("permute", wide, path=path, dims=dims)
        return Value(self._reshaped(moved, self.type(value).shape, path), value.order)

    def reshaped(self, value: Value, shape: Shape, path: str = "") -> Value:
        """Return Keras's reshape of a value, to a shape as Keras sees it."""
        value = self.unrolled(value, path)
        found = regroup(self.shape(value), value.order, shape)
        if found is None:
            value = self.plain(value, path)
            return Value(self._reshaped(value.name, shape, path), identity(len(shape)))
        return Value(self._reshaped(value.name, found.shape, path), found.order, found.rows)

    def lifted(self, value: Value, order: Order, path: str = "") -> Value:
        """Return a value with axes of size 1 in front, as broadcasting adds them, in this order."""
        missing = len(order) - len(value.order)
        if not missing:
            return self.ordered(value, order, path)
        value = self.plain(value, path)
        if order == identity(len(order)) or not value.order:
            return Value(value.name, value.order)
        shape: Shape = (*(1 for _ in range(missing)), *self.shape(value))
        if moves_only_ones(shape, identity(len(order)), order):
            return Value(self._reshaped(value.name, reordered(shape, order), path), order)
        return self.ordered(Value(self._reshaped(value.name, shape, path), identity(len(order))), order, path)

    def common(self, values: Sequence[Value]) -> tuple[Order, Rows | None]:
        """Return the order in which to combine values: channels-first where one of them is, else the widest's."""
        rank = max(len(value.order) for value in values)
        wide = [value for value in values if len(value.order) == rank]
        rows = wide[0].rows if all(value.rows == wide[0].rows for value in values) else None
        if rank > 2 and any(value.order == channels_first(rank) for value in wide):
            return channels_first(rank), rows
        return wide[0].order, rows

    def aligned(self, values: Sequence[Value], path: str = "") -> tuple[list[str], Order, Rows | None]:
        """Return values brought to one order, as names, with that order."""
        order, rows = self.common(values)
        if rows is not None:
            return [value.name for value in values], order, rows
        return [self.lifted(value, order, path).name for value in values], order, None

    def own(self, key: str, tensor: Tensor) -> None:
        """Keep a weight. Raises Unsupported where a shared layer would need it in two layouts."""
        tensor = tensor.detach().contiguous()
        kept = self.weights.setdefault(key, tensor)
        if kept is not tensor and (kept.shape != tensor.shape or not torch.equal(kept, tensor)):
            raise Unsupported(f"its {key.rpartition('.')[2]} is used in two layouts", key.rpartition(".")[0])

    def tensor(self, op: str, key: str, tensor: Tensor, *, data: bool = False) -> str:
        """Return a ``parameter`` or ``constant`` of the model; with ``data`` it carries its values."""
        if key in self._constants:
            return self._constants[key]
        tensor = tensor.detach().contiguous()
        attributes: dict[str, object] = {"key": key, "shape": tuple(tensor.shape), "dtype": dtype_of(tensor.dtype)}
        if op == "constant":
            attributes |= {"persistent": not data, "data": encode(tensor) if data else ""}
        self.own(key, tensor)
        self._constants[key] = self.builder.add(build(OPS[op], attributes), (), name=key)[0]
        return self._constants[key]

    def literal(self, key: str, array: Any) -> Value:
        """Return an array that the model holds as a value, its axes as Keras has them."""
        tensor = torch.from_numpy(np.ascontiguousarray(array)) if not isinstance(array, Tensor) else array
        if tensor.dtype == torch.float64:
            tensor = tensor.float()
        return Value(self.tensor("constant", key, tensor, data=True), identity(tensor.ndim))

    def _reshaped(self, name: str, shape: Sequence[Dim], path: str) -> str:
        now = self.builder.types[name]
        wanted = now.with_shape(*shape)
        if now == wanted:
            return name
        return self.builder.add(regrouping(now, wanted), (name,), path=path)[0]


def refusal(problems: Mapping[str, str]) -> NascError:
    """Return one error for all layers that cannot be lowered, given as path and reason."""
    return NascError(
        *(
            Diagnostic(what, "use layers of Keras, or write the model in PyTorch", "keras-layer", path=path)
            for path, what in problems.items()
        )
    )
