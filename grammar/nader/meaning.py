"""What each operation of the NADER block language means in the IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

from ...ir import Dim, Expr, NascError, TensorType, symbols_of
from .arguments import Arguments
from .padding import divided, padding

# What a layer's weights may depend on: a module is made before it sees an input.
WEIGHT_SYMBOLS = frozenset({"C", "dim"})


class Site(Protocol):
    """Where an operation is lowered to: adds nodes and knows the types of values."""

    types: dict[str, TensorType]

    def add(self, op: str, *operands: str, **attributes: object) -> str:
        """Add a node, named for the line, and return its value. Raises NascError."""
        ...


Meaning = Callable[[Site, Sequence[str], Arguments], str]


def meaning_of(operation: str) -> Meaning:
    """Return the function that adds the nodes of an operation; it raises NascError where operands do not fit."""
    return _MEANINGS[operation]


def _plain(op: str, **renamed: str) -> Meaning:
    """Return the meaning of an operation that is one node; ``renamed`` maps its attributes to the node's."""

    def mean(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
        return site.add(op, *operands, **{ours: arguments[theirs] for ours, theirs in renamed.items()})

    return mean


def _reduced(op: str) -> Meaning:
    """Return the meaning of a reduction; the axis stays, with size 1."""

    def mean(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
        return site.add(op, *operands, dim=arguments["dim"], keepdim=True)

    return mean


def _chained(op: str) -> Meaning:
    """Return the meaning of a sum or product of two or more operands, in the order of their edges."""

    def mean(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
        first, *rest = operands
        for operand in rest:
            first = site.add(op, first, operand)
        return first

    return mean


def _windowed(op: str) -> Meaning:
    """Return the meaning of a convolution or pooling: padded by the language's rule and cropped to size // stride."""

    def mean(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
        (x,) = operands
        given: dict[str, Any] = dict(arguments)
        need_feature_map(site.types[x])
        if op == "conv2d":
            _need_groups(site.types[x].shape[1], given["out_channels"], given["groups"])
        dilations = given.get("dilation", (1, 1))
        windows = list(zip(given["kernel_size"], given["stride"], dilations, strict=True))
        value = site.add(op, x, **given, padding=tuple(padding(*window) for window in windows))
        for axis, (_, stride, _) in enumerate(windows, 2):
            value = _cropped(site, value, axis, divided(site.types[x].shape[axis], stride))
        return value

    return mean


def _cropped(site: Site, value: str, axis: int, size: Dim) -> str:
    if size == 0:
        raise NascError.of("the stride is larger than its input", "expected a stride of 1 here", "window")
    if site.types[value].shape[axis] == size:
        return value
    return site.add("slice", value, dim=axis, end=size)


def need_feature_map(x: TensorType) -> None:
    """Raise NascError unless the type is one of a feature map, ``[B,C,H,W]``."""
    if x.rank != 4:
        raise NascError.of(f"the input is {x}, not a feature map", "expected [B,C,H,W]; reshape it first", "rank")


def _need_groups(channels: Dim, out: Dim, groups: Dim) -> None:
    """Raise NascError unless the groups divide the channels for all values of the variables."""
    for dim, role in ((channels, "input"), (out, "output")):
        exact = (
            dim % groups == 0 if isinstance(dim, int) and isinstance(groups, int) else (dim // groups) * groups == dim
        )
        if not exact:
            always = " for every C and dim" if isinstance(dim, Expr) or isinstance(groups, Expr) else ""
            hint = f"expected a divisor of {dim}" if isinstance(dim, int) else f"expected 1, {dim}, or a factor of it"
            raise NascError.of(f"groups={groups} does not divide the {dim} {role} channels{always}", hint, "groups")


def _batch_norm(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    (x,) = operands
    need_feature_map(site.types[x])
    _need_channels(site.types[x], 1, "BN works on axis 1", "permute(0,3,1,2)")
    return site.add("batch_norm", x)


def _layer_norm(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    (x,) = operands
    _need_channels(site.types[x], -1, "LN works on the last axis", "permute(0,2,3,1)")
    return site.add("layer_norm", x, normalized_shape=site.types[x].shape[-1:])


def _linear(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    (x,) = operands
    _need_channels(site.types[x], -1, "Linear works on the last axis", "permute(0,2,3,1)")
    return site.add("linear", x, out_features=arguments["out_channels"])


def _conv(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    (x,) = operands
    need_feature_map(site.types[x])
    _need_channels(site.types[x], 1, "Conv2d works on axis 1", "permute(0,3,1,2)")
    return _windowed("conv2d")(site, operands, arguments)


def _need_channels(x: TensorType, axis: int, works: str, move: str) -> None:
    """Raise NascError where the axis that weights go with has a size of the input, not of the block."""
    if not x.rank:
        raise NascError.of(f"{works}, but the input is a scalar", "expected a tensor", "rank")
    foreign = sorted(symbols_of(x.shape[axis]) - WEIGHT_SYMBOLS)
    if foreign:
        raise NascError.of(
            f"{works}, which has size {x.shape[axis]} in {x}: weights cannot depend on {', '.join(foreign)}",
            f"bring the channels there first, in a feature map with {move}",
            "channels",
        )


def _matmul(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    a, b = operands
    try:
        return site.add("matmul", a, b)
    except NascError as error:
        left, right = site.types[b].shape, site.types[a].shape
        if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
            raise
        (found,) = error.diagnostics
        hint = "the other order fits: swap the two edges, operands are multiplied in the order of their edges"
        raise NascError.of(found.message, hint, found.code) from None


def _reshape(site: Site, operands: Sequence[str], arguments: Arguments) -> str:
    shape = cast("tuple[Dim, ...]", arguments["shape"])
    try:
        return site.add("reshape", *operands, shape=shape)
    except NascError as error:
        (found,) = error.diagnostics
        numbers = [size for size in shape if isinstance(size, int) and size > 1]
        rounded = [size for size in shape if "//" in str(size)]
        if rounded:
            hint = f"{rounded[0]} is rounded down, so this fits some sizes only; leave one size open with -1"
            raise NascError.of(found.message, hint, found.code) from None
        if not numbers:
            raise
        hint = f"{numbers[0]} fits one size of input only: write it with B, C, dim, H and W, or leave one open with -1"
        raise NascError.of(found.message, hint, found.code) from None


_MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "Conv2d": _conv,
        "Linear": _linear,
        "AvgPool2d": _windowed("avg_pool2d"),
        "MaxPool2d": _windowed("max_pool2d"),
        "AdaptiveAvgPool2d": _plain("adaptive_avg_pool2d", output_size="output_size"),
        "AdaptiveMaxPool2d": _plain("adaptive_max_pool2d", output_size="output_size"),
        "BN": _batch_norm,
        "LN": _layer_norm,
        "ReLU": _plain("relu"),
        "GELU": _plain("gelu"),
        "Sigmoid": _plain("sigmoid"),
        "softmax": _plain("softmax", dim="dim"),
        "Add": _chained("add"),
        "Mul": _chained("mul"),
        "Multiply": _matmul,
        "concat": _plain("cat", dim="dim"),
        "mean": _reduced("mean"),
        "max": _reduced("amax"),
        "sum": _reduced("sum"),
        "permute": _plain("permute", dims="dims"),
        "repeat": _plain("repeat", repeats="sizes"),
        "reshape": _reshape,
    }
)
