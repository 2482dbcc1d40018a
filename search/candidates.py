"""The changes worth trying: attribute values, ops that stand in for each other, ops to insert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..ir import Dim, Expr, Op, TensorType, Types, attributes_of
from .edits import OpSpec

ACTIVATIONS = ("relu", "gelu", "silu", "hardswish", "leaky_relu", "mish", "elu", "relu6")
GATES = ("sigmoid", "hardsigmoid", "tanh")
CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
RECURRENT = ("gru", "lstm", "rnn")
WIDTH_MAKERS = frozenset(
    {
        *CONVOLUTIONS,
        *RECURRENT,
        "conv_transpose1d",
        "conv_transpose2d",
        "linear",
        "embedding",
        "call",
        "matmul",
        "einsum",
    }
)
_NORMS_FIRST = ("batch_norm", "group_norm")
_NORMS_LAST = ("layer_norm", "rms_norm")
_POOLS = ("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d")
_ADAPTIVE = ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool2d")
_JOINS = ("add", "maximum")

REPEATABLE = frozenset({*CONVOLUTIONS, "linear", "call"})
DELETABLE = frozenset(
    {*ACTIVATIONS, *GATES, *CONVOLUTIONS, *_NORMS_FIRST, *_NORMS_LAST, *_POOLS, "linear", "call", "dropout"}
)
ANCHORS = frozenset(
    {
        *ACTIVATIONS,
        *CONVOLUTIONS,
        *RECURRENT,
        *_NORMS_FIRST,
        *_NORMS_LAST,
        *_POOLS,
        "linear",
        "call",
        "add",
        "cat",
        "maximum",
    }
)

_VALUES: Mapping[str, tuple[object, ...]] = {
    "kernel_size": (1, 2, 3, 4, 5, 7, 9),
    "dilation": (1, 2, 3),
    "groups": (1, 2, 4, 8),
    "num_groups": (1, 2, 4, 8, 16, 32),
    "p": (0.0, 0.1, 0.2, 0.3, 0.5),
    "negative_slope": (0.01, 0.1, 0.2),
    "approximate": ("none", "tanh"),
}


def attribute_values(op: Op, operands: Types) -> dict[str, tuple[object, ...]]:
    """Return, for each attribute of an op that is worth changing, the values to try."""
    found: dict[str, tuple[object, ...]] = {}
    for name in attributes_of(type(op)):
        values = _VALUES.get(name, ())
        if name == "groups" and operands and operands[0].rank > 1:
            values = (*values, operands[0].shape[1])
        if name in ("kernel_size", "dilation") and operands and _is_point(operands[0]):
            values = ()
        if values:
            found[name] = tuple(value for value in values if not _same(getattr(op, name), value))
    return found


def _is_point(x: TensorType) -> bool:
    """Return whether a feature map with channels first has one place only: wider kernels see nothing."""
    return x.rank > 2 and all(size == 1 for size in x.shape[2:])


def _same(current: object, value: object) -> bool:
    return current == value or (isinstance(current, tuple) and set(current) == {value})


def widths(op: Op) -> dict[str, tuple[Dim, ...]]:
    """Return other widths for a layer: half, three quarters, one and a half, twice; symbols only twice.

    A recurrent layer may also have another depth.
    """
    found: dict[str, tuple[Dim, ...]] = {}
    layers = getattr(op, "num_layers", None)
    if op.name in RECURRENT and isinstance(layers, int):
        found["num_layers"] = tuple(count for count in (1, 2, 3) if count != layers)
    for name in ("out_channels", "out_features", "hidden_size"):
        width = getattr(op, name, None)
        if isinstance(width, Expr):
            found[name] = (width * 2,)
        elif isinstance(width, int):
            step = 8 if width >= 32 else 1
            sizes = (width // 2, width * 3 // 4, width * 3 // 2, width * 2)
            rounded = {max(step, size // step * step) for size in sizes}
            found[name] = tuple(sorted(rounded - {width}))
    return found


def replacements(op: Op, x: TensorType) -> tuple[OpSpec, ...]:
    """Return the ops that may do the work of another on an operand of this type."""
    for family in (ACTIVATIONS, GATES, _POOLS, _ADAPTIVE, _JOINS, _NORMS_LAST):
        if op.name in family:
            same = [OpSpec(name) for name in family if name != op.name]
            return (*same, *(_convolutions(x, kernels=()) if family is _POOLS else ()))
    if op.name in _NORMS_FIRST:
        groups = [OpSpec("group_norm", (("num_groups", n),)) for n in (8, 16, 32)]
        return (OpSpec("batch_norm"), *groups) if op.name == "group_norm" else tuple(groups)
    if op.name in CONVOLUTIONS:
        return _pools(x)
    return ()


def insertions(x: TensorType, place: str) -> tuple[OpSpec, ...]:
    """Return ops that may follow a value of this type, its channels ``first``, ``last`` or ``unknown``."""
    if not x.dtype.is_floating or x.rank < 2:
        return ()
    found = [OpSpec(name) for name in ACTIVATIONS[:4]]
    found.append(OpSpec("dropout", (("p", 0.1),)))
    if place == "first" and x.rank in (3, 4):
        wide = [OpSpec("batch_norm"), *_convolutions(x), *_pools(x)]
        found += _convolutions(x)[:1] if _is_point(x) else wide
    if place == "last":
        found += [
            OpSpec("layer_norm", (("normalized_shape", x.shape[-1]),)),
            OpSpec("linear", (("out_features", x.shape[-1]),)),
        ]
    return tuple(found)


def _convolutions(x: TensorType, kernels: Iterable[int] = (1, 3, 5)) -> tuple[OpSpec, ...]:
    """Return convolutions that keep the channels: one a kernel and a depthwise one, or a plain one."""
    name, width = f"conv{x.rank - 2}d", ("out_channels", x.shape[1] if x.rank > 1 else 1)
    if f"conv{x.rank - 2}d" not in CONVOLUTIONS:
        return ()
    found = [OpSpec(name, (width, ("kernel_size", k), *((("padding", k // 2),) if k > 1 else ()))) for k in kernels]
    if not found:
        return (OpSpec(name, (width,)),)
    return (*found, OpSpec(name, (width, ("kernel_size", 3), ("padding", 1), ("groups", width[1]))))


def _pools(x: TensorType) -> tuple[OpSpec, ...]:
    window = (("kernel_size", 3), ("stride", 1), ("padding", 1))
    names = [f"{kind}_pool{x.rank - 2}d" for kind in ("max", "avg")]
    return tuple(OpSpec(name, window) for name in names if name in _POOLS)


def layout(op: Op) -> str:
    """Return where an op expects and leaves the channels: ``first`` (axis 1), ``last`` or ``unknown``."""
    if op.name in ("linear", "embedding", *_NORMS_LAST, *RECURRENT):
        return "last"
    first = op.name in (
        *CONVOLUTIONS,
        *_NORMS_FIRST,
        *_POOLS,
        *_ADAPTIVE,
        "conv_transpose1d",
        "conv_transpose2d",
    )
    return "first" if first else "unknown"
