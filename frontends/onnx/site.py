"""One ONNX node that is being lowered: its inputs and attributes, and the means to add nodes in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import AttributeProto, NodeProto

from ...ir import OPS, Dim, DType, Expr, Loc, NascError, Notes, TensorType, build
from .places import unsupported
from .tensors import NUMPY, Array, dtype_of, read_tensor
from .values import Value, dims_of, number_of, plain

if TYPE_CHECKING:
    from .translation import Frame, Translation

Made = str | Value
Values = Made | tuple[Made, ...]
MAX_TEXT = 100_000


@dataclass(frozen=True)
class Site:
    """An ONNX node: ``inputs`` are its values, None where one is left out; ``version`` is the opset's."""

    translation: Translation
    frame: Frame
    node: NodeProto
    inputs: tuple[Value | None, ...]
    version: int
    path: str
    loc: Loc | None
    notes: Notes
    attributes: dict[str, AttributeProto] = field(default_factory=lambda: dict[str, AttributeProto]())

    @property
    def op(self) -> str:
        """The type of the node."""
        return self.node.op_type

    def has(self, index: int) -> bool:
        """Return whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def wants(self, index: int) -> bool:
        """Return whether an output is named."""
        return index < len(self.node.output) and bool(self.node.output[index])

    def input(self, index: int) -> Value:
        """Return an input. Raises NascError where it is left out."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise unsupported(f"{self.op} has no input {index}", "the model may be damaged", "inputs")
        return value

    def value(self, index: int) -> str:
        """Return an input as a value of the IR."""
        return self.translation.materialise(self.input(index))

    def values(self) -> list[str]:
        """Return all inputs that are given as values of the IR."""
        return [self.translation.materialise(value) for value in self.inputs if value is not None]

    def type(self, value: str) -> TensorType:
        """Return the type of a value of the IR."""
        return self.translation.builder.types[value]

    def input_type(self, index: int) -> TensorType:
        """Return the type of an input."""
        value = self.input(index)
        return value.known_type if value.array is not None else self.type(value.name)

    def known(self, index: int) -> Array | None:
        """Return the numbers of an input where they are known and no symbol is among them."""
        value = self.inputs[index] if index < len(self.inputs) else None
        return None if value is None or value.symbolic else value.array

    def number(self, index: int) -> int | float | bool | None:
        """Return an input that is one known number."""
        array = self.known(index)
        return None if array is None else number_of(array)

    def dims(self, index: int) -> tuple[Dim, ...]:
        """Return an input that is a list of sizes. Raises NascError where they are computed from data."""
        array = self.input(index).array
        if array is None:
            raise self.needs(index)
        whole = array.dtype.kind in "iu" or all(isinstance(one, int | Expr) for one in array.flat)
        if array.ndim > 1 or not whole:
            raise unsupported(f"{self.op} has {self.input_type(index)} as input {index}", "expected sizes", "inputs")
        return dims_of(array)

    def ints(self, index: int) -> tuple[int, ...]:
        """Return an input that is a list of plain integers."""
        return tuple(self._int(dim, index) for dim in self.dims(index))

    def _int(self, dim: Dim, index: int) -> int:
        if isinstance(dim, Expr):
            raise unsupported(f"{self.op} has the symbolic size {dim} as input {index}", "expected a number")
        return dim

    def needs(self, index: int) -> NascError:
        """Return the error that an input has to be known when the model is lowered."""
        name = self.node.input[index] if index < len(self.node.input) else "?"
        return unsupported(
            f"{self.op} depends on the values of {name!r}, input {index}, which are computed from data",
            "the architecture must not depend on data: make it an initializer",
            "needs-constant",
        )

    def attribute(self, name: str) -> AttributeProto | None:
        """Return an attribute; one of a function's body stands for that of the call."""
        return self.attributes.get(name)

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is an integer."""
        found = self._typed(name, AttributeProto.INT)
        return default if found is None else int(found.i)

    def real(self, name: str, default: float) -> float:
        """Return an attribute that is a number, as short as the number that it was before it lost its precision."""
        found = self._typed(name, AttributeProto.FLOAT)
        return default if found is None else shortest(found.f)

    def word(self, name: str, default: str) -> str:
        """Return an attribute that is a string."""
        found = self._typed(name, AttributeProto.STRING)
        return default if found is None else found.s[:MAX_TEXT].decode("utf-8", "replace")

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a list of integers; None where it is left out."""
        found = self._typed(name, AttributeProto.INTS)
        return None if found is None else tuple(found.ints)

    def tensor(self, name: str) -> Array | None:
        """Return an attribute that is a tensor; None where it is left out."""
        found = self._typed(name, AttributeProto.TENSOR)
        return None if found is None else read_tensor(found.t, self.translation.folder, f"attribute {name}")

    def _typed(self, name: str, kind: int) -> AttributeProto | None:
        found = self.attribute(name)
        if found is not None and found.type != kind:
            names = {int(value): name for name, value in AttributeProto.AttributeType.items()}
            wanted = names[kind].lower()
            raise unsupported(f"{self.op} has an attribute {name} of another type", f"expected {wanted}", "attribute")
        return found

    def dtype(self, name: str, default: DType) -> DType:
        """Return an attribute that is an element type."""
        code = self.integer(name, 0)
        return dtype_of(code, f"attribute {name}") if code else default

    def axes(self, index: int, rank: int) -> tuple[int, ...] | None:
        """Return axes, given as an input or, in older opsets, as an attribute, counted from the front."""
        given = self.ints(index) if self.has(index) else self.integers("axes")
        return None if given is None else tuple(self.axis_of(axis, rank) for axis in given)

    def axis_of(self, axis: int, rank: int) -> int:
        """Return an axis counted from the front. Raises NascError where there is none."""
        if not -rank <= axis < rank:
            raise unsupported(f"{self.op} names axis {axis} of {rank}", f"expected {-rank} to {rank - 1}", "axis")
        return axis % rank

    def emit(self, op: str, *operands: str, **attributes: object) -> str:
        """Add a node with one result and return its value."""
        (only,) = self.emit_many(op, operands, **attributes)
        return only

    def emit_many(self, op: str, operands: Iterable[str], **attributes: object) -> tuple[str, ...]:
        """Add a node and return its values."""
        return self.translation.add(self, build(OPS[op], attributes), tuple(operands))

    def constant(self, array: Array, like: int | None = None) -> str:
        """Return known numbers as a value; made from the weights of input ``like``, where one is named."""
        return self.translation.materialise(self.derived(array, like))

    def derived(self, array: Array, like: int | None = None) -> Value:
        """Return known numbers that are made from an input."""
        source = self.input(like) if like is not None else None
        if source is None:
            return Value(array=plain(array))
        return Value(array=plain(array), key=source.key, trained=source.trained)

    def scalar(self, number: float, dtype: DType) -> str:
        """Return one number as a tensor without axes."""
        return self.emit("full", shape=(), value=number, dtype=dtype)

    def reshape(self, value: str, shape: Sequence[Dim]) -> str:
        """Return a value in another shape, itself where it has it."""
        return value if self.type(value).shape == tuple(shape) else self.emit("reshape", value, shape=tuple(shape))

    def permute(self, value: str, dims: Sequence[int]) -> str:
        """Return a value with its axes in another order, itself where that changes nothing."""
        return value if list(dims) == list(range(len(dims))) else self.emit("permute", value, dims=tuple(dims))

    def cast(self, value: str, dtype: DType) -> str:
        """Return a value in another dtype, itself where it has it."""
        return value if self.type(value).dtype is dtype else self.emit("cast", value, dtype=dtype)


def shortest(number: float) -> float:
    """Return the shortest decimal number that is this one in single precision: 1e-05, not 9.99999974e-06."""
    single = np.float32(number)
    return float(str(single)) if float(single) == number else number


def zeros(dtype: DType, shape: tuple[int, ...]) -> Array:
    """Return zeros of a dtype."""
    return np.zeros(shape, NUMPY[dtype])


def sequence_of(made: Any) -> tuple[Made, ...]:
    """Return the results of a rule as a tuple."""
    return made if isinstance(made, tuple) else (made,)
