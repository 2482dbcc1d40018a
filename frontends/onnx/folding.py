"""Folding: nodes whose inputs are known become numbers, sizes with symbols among them included."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir import Expr
from .places import unsupported
from .tensors import NUMPY, Array, dtype_of
from .values import Value, plain

if TYPE_CHECKING:
    from .site import Site

MAX_ELEMENTS = 2**24
MAX_TEXT = 1000
Fold = Callable[["Site", list[Array]], "Array | tuple[Array, ...] | None"]


def fold(site: Site) -> tuple[Value, ...] | None:
    """Return the results of a node whose inputs are all known; None where it is not one to fold."""
    rule = FOLDS.get(site.op)
    arrays = [value.array for value in site.inputs if value is not None]
    if rule is None or (not arrays and site.op != "Constant") or any(array is None for array in arrays):
        return None
    known = [array for array in arrays if array is not None]
    if any(array.dtype == object for array in known) and site.op not in SYMBOLIC:
        return None
    try:
        with np.errstate(all="ignore"):
            made = rule(site, known)
    except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError, MemoryError) as error:
        shown = ", ".join(f"{array.dtype}{list(array.shape)}" for array in known)
        raise unsupported(f"{site.op} of {shown} cannot be computed: {error}", "the model may be damaged") from None
    if made is None:
        return None
    weights = [v for v in site.inputs if v is not None and v.trained]
    key = weights[0].key if weights else next((v.key for v in site.inputs if v is not None), "")
    if site.op == "Identity" and weights:
        key = site.node.output[0]  # an exporter's other name of an equal tensor
    results = made if isinstance(made, tuple) else (made,)
    kept = [np.asarray(array) for array in results]  # numpy gives scalars for arrays without axes
    return tuple(Value(array=plain(array), key=key, trained=bool(weights) and array.ndim > 0) for array in kept)


def bounded(count: int, inputs: list[Array]) -> bool:
    """Return whether a result of so many elements may be made."""
    return count <= max(MAX_ELEMENTS, *(array.size for array in inputs), 1)


def _pairwise(function: Callable[[Any, Any], Any]) -> Fold:
    def rule(site: Site, inputs: list[Array]) -> Array | None:
        shape = np.broadcast_shapes(*(array.shape for array in inputs))
        if not bounded(prod(shape), inputs):
            return None
        symbolic = any(array.dtype.hasobject for array in inputs)
        if symbolic and any(array.dtype.kind not in "iuO" for array in inputs):
            return None
        total, *rest = [array.astype(object) for array in inputs] if symbolic else inputs
        for array in rest:
            total = function(total, array)
        return _small(np.asarray(total)) if symbolic else np.asarray(total).astype(inputs[0].dtype, copy=False)

    return rule


def _small(array: Array) -> Array:
    """Return sizes as they are. Raises ValueError where their expressions grow beyond what anyone can read."""
    if any(isinstance(item, Expr) and len(str(item)) > MAX_TEXT for item in array.flat):
        raise ValueError("the sizes are too long to write down")
    return array


def _divide(a: Array, b: Array) -> Array:
    if a.dtype == object or b.dtype == object:
        return np.asarray(np.floor_divide(a.astype(object), b.astype(object)))
    if np.issubdtype(a.dtype, np.integer):
        if (b == 0).any():
            raise ZeroDivisionError("division by zero")
        return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)
    return np.asarray(np.divide(a, b))


def _modulo(site: Site, inputs: list[Array]) -> Array:
    a, b = inputs
    return np.asarray(np.fmod(a, b) if site.integer("fmod", 0) else np.mod(a, b))


def _compare(function: Callable[[Any, Any], Any]) -> Fold:
    """Compare; a symbol is never a number below 1, and otherwise not comparable."""

    def rule(site: Site, inputs: list[Array]) -> Array | None:
        a, b = np.broadcast_arrays(*inputs)
        if not bounded(a.size, inputs):
            return None
        if a.dtype != object and b.dtype != object:
            return np.asarray(function(a, b))
        a, b = a.astype(object), b.astype(object)
        made = np.empty(a.shape, dtype=np.bool_)
        for place in np.ndindex(a.shape):
            left, right = a[place], b[place]
            if isinstance(left - right, Expr):
                if function is not operator.eq or not _never_equal(left, right):
                    return None
                made[place] = False
            else:
                made[place] = function(left - right, 0)
        return made

    return rule


def _never_equal(left: Any, right: Any) -> bool:
    """Return whether a symbolic size cannot be this number: sizes are 1 or more."""
    numbers = [side for side in (left, right) if not isinstance(side, Expr)]
    return len(numbers) == 1 and int(numbers[0]) < 1


def _where(site: Site, inputs: list[Array]) -> Array | None:
    shape = np.broadcast_shapes(*(array.shape for array in inputs))
    return np.where(*inputs) if bounded(prod(shape), inputs) else None


def _gather(site: Site, inputs: list[Array]) -> Array | None:
    data, indices = inputs
    if indices.dtype.kind not in "iu":
        return None
    axis = site.axis_of(site.integer("axis", 0), data.ndim)
    count = indices.size * (data.size // max(data.shape[axis], 1))
    return np.take(data, indices.astype(np.int64), axis=axis) if bounded(count, [data]) else None


def _concat(site: Site, inputs: list[Array]) -> Array:
    return np.concatenate(inputs, axis=site.integer("axis", 0))


def _slice(site: Site, inputs: list[Array]) -> Array:
    data = inputs[0]
    starts, ends = site.ints(1), site.ints(2)
    axes = site.axes(3, data.ndim) if site.has(3) else tuple(range(len(starts)))
    steps = site.ints(4) if site.has(4) else (1,) * len(starts)
    where = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes or (), starts, ends, steps, strict=True):
        size = data.shape[axis]
        where[axis] = slice(start, None if step < 0 and end < -size else end, step)
    return data[tuple(where)]


def _squeeze(site: Site, inputs: list[Array]) -> Array:
    axes = site.axes(1, inputs[0].ndim)
    return np.squeeze(inputs[0], axis=axes)


def _unsqueeze(site: Site, inputs: list[Array]) -> Array:
    axes = site.axes(1, inputs[0].ndim + len(site.ints(1)))
    return np.expand_dims(inputs[0], axis=axes or ())


def _reshape(site: Site, inputs: list[Array]) -> Array | None:
    shape = list(inputs[1].reshape(-1))
    if any(isinstance(size, Expr) for size in shape):
        return None
    if not site.integer("allowzero", 0):
        shape = [inputs[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return inputs[0].reshape([int(size) for size in shape])


def _transpose(site: Site, inputs: list[Array]) -> Array:
    return np.transpose(inputs[0], site.integers("perm"))


def _expand(site: Site, inputs: list[Array]) -> Array | None:
    if inputs[1].dtype == object:
        return None
    shape = np.broadcast_shapes(inputs[0].shape, site.ints(1))
    return np.broadcast_to(inputs[0], shape) if bounded(prod(shape), [inputs[0]]) else None


def _filled(site: Site, inputs: list[Array]) -> Array | None:
    shape = inputs[0]
    if shape.dtype == object or not bounded(prod(int(size) for size in shape), []):
        return None
    value = site.tensor("value")
    return np.full(tuple(int(s) for s in shape), np.float32(0) if value is None else value.reshape(-1)[0])


def _range(site: Site, inputs: list[Array]) -> Array | None:
    start, limit, delta = (array.reshape(-1)[0] for array in inputs)
    if any(isinstance(item, Expr) for item in (start, limit, delta)) or delta == 0:
        return None
    count = max(0, int(np.ceil((float(limit) - float(start)) / float(delta))))
    if not bounded(count, []):
        return None
    return np.asarray(start + np.arange(count) * delta).astype(inputs[0].dtype)


def _tile(site: Site, inputs: list[Array]) -> Array | None:
    repeats = site.ints(1)
    return np.tile(inputs[0], repeats) if bounded(inputs[0].size * prod(repeats), []) else None


def _cast(site: Site, inputs: list[Array]) -> Array | None:
    dtype = NUMPY[dtype_of(site.integer("to", 1), "the result")]
    if inputs[0].dtype == object:
        return inputs[0] if np.issubdtype(dtype, np.integer) else None
    real = inputs[0].dtype.kind == "c" and not np.issubdtype(dtype, np.complexfloating)
    return (inputs[0].real if real else inputs[0]).astype(dtype)


def _cast_like(site: Site, inputs: list[Array]) -> Array | None:
    return None if inputs[0].dtype == object else inputs[0].astype(inputs[1].dtype)


def _constant(site: Site, inputs: list[Array]) -> Array | None:
    if site.attribute("value") is not None:
        return site.tensor("value")
    if site.attribute("value_float") is not None:
        return np.array(site.real("value_float", 0), np.float32)
    if site.attribute("value_int") is not None:
        return np.array(site.integer("value_int", 0), np.int64)
    whole, floats = site.integers("value_ints"), site.attribute("value_floats")
    if whole is not None:
        return np.array(whole, np.int64)
    return np.array(floats.floats, np.float32) if floats is not None else None


def _split(site: Site, inputs: list[Array]) -> tuple[Array, ...]:
    from .rules.shaping import split_sizes

    axis = site.axis_of(site.integer("axis", 0), inputs[0].ndim)
    sizes = [size for size in split_sizes(site, inputs[0].shape[axis]) if isinstance(size, int)]
    return tuple(np.split(inputs[0], np.cumsum(sizes)[:-1], axis=axis))


def _reduction(function: Callable[..., Any]) -> Fold:
    def rule(site: Site, inputs: list[Array]) -> Array:
        axes = site.axes(1, inputs[0].ndim)
        if not axes and site.integer("noop_with_empty_axes", 0):
            return inputs[0]
        keep = bool(site.integer("keepdims", 1))
        made = function(inputs[0], axis=axes or None, keepdims=keep)
        return np.asarray(made, dtype=inputs[0].dtype)

    return rule


def _unary(function: Callable[[Any], Any]) -> Fold:
    def rule(site: Site, inputs: list[Array]) -> Array:
        return np.asarray(function(inputs[0])).astype(inputs[0].dtype, copy=False)

    return rule


def _extreme(function: Callable[[Any, Any], Any]) -> Fold:
    plain_rule = _pairwise(function)
    return lambda site, inputs: None if any(a.dtype == object for a in inputs) else plain_rule(site, inputs)


FOLDS: Mapping[str, Fold] = {
    "Add": _pairwise(operator.add),
    "Sub": _pairwise(operator.sub),
    "Mul": _pairwise(operator.mul),
    "Div": _pairwise(_divide),
    "Pow": _pairwise(np.power),
    "Mod": _modulo,
    "Min": _extreme(np.minimum),
    "Max": _extreme(np.maximum),
    "Neg": _unary(operator.neg),
    "Abs": _unary(np.abs),
    "Sqrt": _unary(np.sqrt),
    "Exp": _unary(np.exp),
    "Log": _unary(np.log),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Relu": _unary(lambda x: np.maximum(x, 0)),
    "Sign": _unary(np.sign),
    "Round": _unary(np.round),
    "Sin": _unary(np.sin),
    "Cos": _unary(np.cos),
    "Tanh": _unary(np.tanh),
    "Reciprocal": _unary(lambda x: 1 / x),
    "Equal": _compare(operator.eq),
    "Less": _compare(operator.lt),
    "Greater": _compare(operator.gt),
    "LessOrEqual": _compare(operator.le),
    "GreaterOrEqual": _compare(operator.ge),
    "Not": lambda _, inputs: np.logical_not(inputs[0]),
    "And": lambda _, inputs: np.logical_and(*inputs),
    "Or": lambda _, inputs: np.logical_or(*inputs),
    "Where": _where,
    "Identity": lambda _, inputs: inputs[0],
    "Cast": _cast,
    "CastLike": _cast_like,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Expand": _expand,
    "Tile": _tile,
    "Split": _split,
    "ReduceSum": _reduction(np.sum),
    "ReduceProd": _reduction(np.prod),
    "ReduceMax": _reduction(np.max),
    "ReduceMin": _reduction(np.min),
}
# What may have symbols among its numbers.
SYMBOLIC = frozenset(
    """Add Sub Mul Div Neg Equal Where Identity Cast ConstantOfShape Range Gather Concat Slice Squeeze Unsqueeze Reshape
    Transpose Expand Tile Split ReduceProd ReduceSum""".split()
)
