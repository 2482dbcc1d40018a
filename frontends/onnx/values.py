"""What is known of an ONNX value while a model is lowered: its place in the IR, or its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...ir import Dim, DType, Expr, TensorType
from .tensors import NUMPY, Array, our_dtype


@dataclass(slots=True, eq=False)
class Value:
    """A value that the network computes, by its ``name`` in the IR, or one that is known, an ``array``.

    An array of objects holds sizes that may be symbolic. ``key`` is the initializer that an array was made from;
    ``trained`` is whether it holds weights. A ``broken`` value is the result of a node that could not be lowered.
    """

    name: str = ""
    array: Array | None = None
    key: str = ""
    trained: bool = False
    broken: bool = False

    @property
    def symbolic(self) -> bool:
        """Whether this is known but for the value of symbols."""
        return self.array is not None and self.array.dtype == object

    @property
    def known_type(self) -> TensorType:
        """The type of a known value."""
        assert self.array is not None
        return TensorType(our_dtype(self.array), self.array.shape)


def sizes(dims: tuple[Dim, ...] | list[Dim]) -> Array:
    """Return dimensions as an array: of i64 where all are numbers, of objects where one is symbolic."""
    if any(isinstance(dim, Expr) for dim in dims):
        array = np.empty(len(dims), dtype=object)
        array[:] = list(dims)
        return array
    return np.array(dims, dtype=np.int64)


def plain(array: Array) -> Array:
    """Return an array of objects as one of i64 where no symbol is left in it."""
    if array.dtype == object and not any(isinstance(item, Expr) for item in array.flat):
        return array.astype(np.int64)
    return array


def dims_of(array: Array) -> tuple[Dim, ...]:
    """Return a known vector of integers as dimensions."""
    return tuple(item if isinstance(item, Expr) else int(item) for item in array.reshape(-1).tolist())


def number_of(array: Array) -> int | float | bool | None:
    """Return the only element of an array as a Python number; None for several, symbolic or complex ones.

    A number in single precision is the shortest decimal that it stands for: 1e-06, not 9.99999997e-07.
    """
    if array.size != 1 or array.dtype == object or array.dtype == NUMPY[DType.C64]:
        return None
    item = array.reshape(-1)[0]
    if array.dtype == np.bool_:
        return bool(item)
    if np.issubdtype(array.dtype, np.integer):
        return int(item)
    return float(str(item)) if array.dtype == np.float32 else float(item)
