"""How each op of the IR is written as an operation of the NADER language, and why where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ...grammar.nader.padding import divided, padding
from ...ir import Dim, NascError, Node, Op, TensorType, arity
from .opening import Variables

Types = Mapping[str, TensorType]
# Returns the operation's text. Raises NascError with the reasons why there is none.
Spelling = Callable[[Node, Types, Variables], str]


def spelled(node: Node, types: Types, variables: Variables) -> str:
    """Return the operation that a node is. Raises NascError with every reason why the language has none."""
    spelling = SPELLINGS.get(node.op.name)
    if spelling is None:
        raise _reasons([f"the language has no {node.op.name}"])
    _, most = arity(type(node.op))
    if most is not None and len(node.operands) > most:
        raise _reasons([f"{node.op.name} is given its weights as values"])
    return spelling(node, types, variables)


def crop_axes(node: Node, types: Types) -> list[int]:
    """Return the axes along which the operation's result is larger than the language makes it."""
    if node.op.name not in _WINDOWED:
        return []
    sizes, results = types[node.operands[0]].shape, node.type.shape
    return [axis for axis in (2, 3) if results[axis] != divided(sizes[axis], _stride(node.op)[axis - 2])]


def _stride(op: Any) -> tuple[int, ...]:
    strides: tuple[int, ...] = op.stride or op.kernel_size
    return strides


def _reasons(reasons: Iterable[str]) -> NascError:
    return NascError(*(NascError.of(reason).diagnostics[0] for reason in reasons))


def _differing(op: Op, **wanted: object) -> list[str]:
    """Return a reason for each attribute that is not as the language has it."""
    found = op.attributes()
    return [
        f"{op.name} has {name}={_shown(found[name])}, the language has {name}={_shown(value)} only"
        for name, value in wanted.items()
        if found[name] != value
    ]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        items = [str(item) for item in value]
        return items[0] if len(set(items)) == 1 else f"({','.join(items)})"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(text: str, reasons: Sequence[str]) -> str:
    if reasons:
        raise _reasons(reasons)
    return text


def _plain(operation: str, **wanted: object) -> Spelling:
    """Return the spelling of an op without attributes of its own; others must be as the language has them."""
    return lambda node, types, variables: _checked(operation, _differing(node.op, **wanted))


def _windows(op: Any) -> list[str]:
    """Return the reasons why a window is not padded as the language pads it."""
    dilations = getattr(op, "dilation", (1, 1))
    numbers = (*op.kernel_size, *_stride(op), *dilations)
    if not all(isinstance(number, int) for number in numbers):
        return [f"{op.name} has a window of symbolic size"]
    wanted = tuple(padding(*window) for window in zip(op.kernel_size, _stride(op), dilations, strict=True))
    return _differing(op, padding=wanted)


def _conv(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    text = f"Conv2d(out_channels={variables.channel(op.out_channels)},kernel_size={_shown(op.kernel_size)}"
    text += f",stride={_shown(op.stride)}"
    text += f",dilation={_shown(op.dilation)}" * (op.dilation != (1, 1))
    text += f",groups={variables.channel(op.groups)}" * (op.groups != 1)
    return _checked(f"{text})", [*_windows(op), *_differing(op, bias=True)])


def _pool(operation: str, **wanted: object) -> Spelling:
    def spell(node: Node, types: Types, variables: Variables) -> str:
        op: Any = node.op
        text = f"{operation}(kernel_size={_shown(op.kernel_size)},stride={_shown(_stride(op))})"
        return _checked(text, [*_windows(op), *_differing(op, ceil_mode=False, **wanted)])

    return spell


def _adaptive(operation: str) -> Spelling:
    def spell(node: Node, types: Types, variables: Variables) -> str:
        op: Any = node.op
        numbers = all(isinstance(size, int) for size in op.output_size)
        reasons = [] if numbers else [f"{op.name} has a symbolic output_size"]
        return _checked(f"{operation}(output_size={_shown(op.output_size)})", reasons)

    return spell


def _linear(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    return _checked(f"Linear(out_channels={variables.channel(op.out_features)})", _differing(op, bias=True))


def _layer_norm(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    last = types[node.operands[0]].shape[-1:]
    wanted = {"normalized_shape": last, "eps": 1e-5, "elementwise_affine": True, "bias": True}
    return _checked("LN", _differing(op, **wanted))


def _binary(operation: str) -> Spelling:
    def spell(node: Node, types: Types, variables: Variables) -> str:
        numbers = len(node.operands) < 2
        return _checked(operation, [f"{node.op.name} takes a number, the language adds values only"] if numbers else [])

    return spell


def _cat(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    return _checked(f"concat(dim={op.dim})", ["cat of one value"] if len(node.operands) < 2 else [])


def _axis(operation: str) -> Spelling:
    def spell(node: Node, types: Types, variables: Variables) -> str:
        op: Any = node.op
        return f"{operation}(dim={op.dim})"

    return spell


def _reduction(operation: str) -> Spelling:
    def spell(node: Node, types: Types, variables: Variables) -> str:
        op: Any = node.op
        axes = op.dim or tuple(range(types[node.operands[0]].rank))
        text = f"{operation}(dim={axes[0]})" if len(axes) == 1 else f"{operation}(dim=({','.join(map(str, axes))}))"
        return _checked(text, _differing(op, keepdim=True))

    return spell


def _permute(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    return f"permute({','.join(map(str, op.dims))})"


def _transpose(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    axes = list(range(node.type.rank))
    axes[op.dim0], axes[op.dim1] = axes[op.dim1], axes[op.dim0]
    return f"permute({','.join(map(str, axes))})"


def _repeat(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    return f"repeat({_list(op.repeats, variables)})"


def _reshape(node: Node, types: Types, variables: Variables) -> str:
    op: Any = node.op
    return f"reshape({_list(op.shape, variables)})"


def _regrouped(node: Node, types: Types, variables: Variables) -> str:
    """An op that regroups elements in order, as the reshape to its result."""
    return f"reshape({_list(node.type.shape, variables)})"


def _list(sizes: Iterable[Dim], variables: Variables) -> str:
    return ",".join(str(variables.place(size, axis)) for axis, size in enumerate(sizes))


_WINDOWED = ("conv2d", "avg_pool2d", "max_pool2d")
SPELLINGS: Mapping[str, Spelling] = MappingProxyType(
    {
        "conv2d": _conv,
        "linear": _linear,
        "avg_pool2d": _pool("AvgPool2d", count_include_pad=True, divisor_override=None),
        "max_pool2d": _pool("MaxPool2d", dilation=(1, 1)),
        "adaptive_avg_pool2d": _adaptive("AdaptiveAvgPool2d"),
        "adaptive_max_pool2d": _adaptive("AdaptiveMaxPool2d"),
        "batch_norm": _plain("BN", eps=1e-5, momentum=0.1, affine=True, track_running_stats=True),
        "layer_norm": _layer_norm,
        "relu": _plain("ReLU"),
        "gelu": _plain("GELU", approximate="none"),
        "sigmoid": _plain("Sigmoid"),
        "softmax": _axis("softmax"),
        "add": _binary("Add"),
        "mul": _binary("Mul"),
        "matmul": _plain("Multiply"),
        "cat": _cat,
        "mean": _reduction("mean"),
        "amax": _reduction("max"),
        "sum": _reduction("sum"),
        "permute": _permute,
        "transpose": _transpose,
        "repeat": _repeat,
        "reshape": _reshape,
        "flatten": _regrouped,
        "unflatten": _regrouped,
        "squeeze": _regrouped,
        "unsqueeze": _regrouped,
    }
)
