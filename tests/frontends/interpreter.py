"""A reference interpreter: runs a flat IR module with PyTorch, op by op, from the ops' own spellings.

It is slow and small on purpose, and shares nothing with the backend: it is what lowering is held against.
"""

from __future__ import annotations

import base64
import operator
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasc.ir import Call, DType, Infix, Layer, Method, Module, Node, Op, arity, substitute, symbol

DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
    "c64": torch.complex64,
}
INFIX = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Weights = Mapping[str, Tensor]


def run(module: Module, weights: Weights, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Return the outputs of the entry graph for concrete inputs, in evaluation mode."""
    graph = module.main
    sizes: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for formal, actual in zip(graph.inputs, inputs, strict=True):
        values[formal.name] = actual
        for dim, size in zip(formal.type.shape, actual.shape, strict=True):
            if dim == symbol("N"):
                sizes["N"] = size
    for node in graph.nodes:
        made = apply(node, [values[name] for name in node.operands], weights, sizes)
        results = tuple(made) if isinstance(made, tuple | list) else (made,)
        for name, type, result in zip(node.results, node.types, results, strict=True):
            expected = [substitute(dim, sizes) for dim in type.shape]
            assert (list(result.shape), result.dtype) == (expected, DTYPES[type.dtype.value]), (name, type)
            values[name] = result
    return tuple(values[name] for name in graph.outputs)


def apply(node: Node, operands: list[Any], weights: Weights, sizes: Mapping[str, Any]) -> Any:
    """Return the results of one node."""
    op = node.op.substitute(sizes)
    state = [weights.get(f"{node.path}.{slot.name}") for slot in op.state(node_types(operands))]
    most = arity(type(op))[1]
    if most is not None and len(operands) > most:
        operands, state = operands[:most], operands[most:]
    special = SPECIAL.get(op.name)
    if special is not None:
        return special(op, operands, state, weights)
    attributes = {name: plain(value) for name, value in op.attributes().items() if value is not None}
    if getattr(op, "dim", 0) is None and not attributes.get("keepdim"):
        attributes.pop("keepdim", None)
    return spelled(op, operands, attributes, state)


def node_types(operands: Sequence[Any]) -> Any:
    """Return the IR types of tensors."""
    from nasc.ir import TensorType

    names = {dtype: DType(name) for name, dtype in DTYPES.items()}
    return tuple(TensorType(names[x.dtype], tuple(x.shape)) for x in operands if isinstance(x, Tensor))


def plain(value: object) -> Any:
    """Return an attribute as PyTorch takes it."""
    return DTYPES[value.value] if isinstance(value, DType) else value


def spelled(op: Op, operands: list[Any], attributes: dict[str, Any], state: list[Any]) -> Any:
    """Apply an op by its PyTorch spelling."""
    spelling = op.torch
    if isinstance(spelling, Infix):
        other = [attributes["other"]] if len(operands) == 1 else []
        return INFIX[spelling.symbol](*operands, *other)
    if isinstance(spelling, Layer):
        return layer(op, spelling, operands, attributes, state)
    assert isinstance(spelling, Call | Method), op.name
    positional = [attributes.pop(name) for name in spelling.positional if name in attributes]
    if isinstance(spelling, Method):
        if spelling.starred:
            positional = [*positional[0]]
        return getattr(operands[0], spelling.name)(*operands[1:], *positional, **attributes)
    space, _, name = spelling.function.rpartition(".")
    function: Callable[..., Any] = getattr({"F": F, "torch": torch, "torch.linalg": torch.linalg}[space], name)
    return function(*operands, *positional, **attributes)


def layer(op: Op, spelling: Layer, operands: list[Any], attributes: dict[str, Any], state: list[Any]) -> Any:
    """Apply an op whose spelling is a layer, with its weights in place."""
    arguments = {**attributes, **op.layer_arguments(node_types(operands))}
    arguments.pop("dtype", None)
    with torch.device("meta"):
        built = getattr(nn, spelling.cls.removeprefix("nn."))(**arguments).eval()
    names = [slot.name for slot in op.state(node_types(operands))]
    return torch.func.functional_call(built, dict(zip(names, state, strict=True)), tuple(operands))


def batch_norm(op: Any, operands: list[Any], state: list[Any], _: Weights) -> Any:
    """Normalise by the running statistics."""
    named = dict(zip([slot.name for slot in op.state(node_types(operands))], state, strict=True))
    mean, var = named.get("running_mean"), named.get("running_var")
    weight, bias = named.get("weight"), named.get("bias")
    return F.batch_norm(operands[0], mean, var, weight, bias, mean is None, op.momentum or 0.0, op.eps)


def constant(op: Any, _: list[Any], __: list[Any], weights: Weights) -> Any:
    """Return a constant, from its data where it carries them."""
    if not op.data:
        return weights[op.key]
    raw = bytearray(zlib.decompress(base64.b64decode(op.data)))
    return torch.frombuffer(raw, dtype=torch.uint8).view(DTYPES[op.dtype.value]).reshape(op.shape)


def recurrent(op: Any, operands: list[Any], state: list[Any], _: Weights) -> Any:
    """Run a recurrent layer by the function behind it; its initial state is zeros where it is left out."""
    x, *initial = operands
    if not initial:
        (_, *shapes) = op.infer(node_types([x]))
        initial = [x.new_zeros(shape.shape) for shape in shapes]
    name = f"rnn_{op.nonlinearity}" if op.name == "rnn" else op.name
    hidden = tuple(initial) if op.name == "lstm" else initial[0]
    facts = (op.bias, op.num_layers, op.dropout, False, op.bidirectional, op.batch_first)
    return getattr(torch, name)(x, hidden, state, *facts)


def scatter(op: Any, operands: list[Any], _: list[Any], __: Weights) -> Any:
    """Scatter, combining elements where the op says so."""
    x, index, source = operands
    reduce = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}.get(op.reduce)
    if reduce is None:
        return x.scatter(op.dim, index, source)
    return x.scatter_reduce(op.dim, index, source, reduce)


def attention(op: Any, operands: list[Any], _: list[Any], __: Weights) -> Any:
    """Attend as in evaluation, where nothing is dropped."""
    facts = {name: getattr(op, name) for name in ("is_causal", "scale", "enable_gqa")}
    return F.scaled_dot_product_attention(*operands, **facts)


def prod(op: Any, operands: list[Any], _: list[Any], __: Weights) -> Any:
    """Multiply everything, or along one axis."""
    return operands[0].prod() if op.dim is None else operands[0].prod(op.dim[0], op.keepdim)


def binary(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the application of a function of two operands, or one and a number."""
    return lambda op, x, *_: function(*x) if len(x) == 2 else function(x[0], torch.as_tensor(op.other))


SPECIAL: dict[str, Callable[..., Any]] = {
    "batch_norm": batch_norm,
    "constant": constant,
    "parameter": lambda op, x, s, w: w[op.key],
    "dropout": lambda op, x, *_: x[0],
    "feature_dropout": lambda op, x, *_: x[0],
    "identity": lambda op, x, *_: x[0],
    "cat": lambda op, x, *_: torch.cat(x, op.dim),
    "stack": lambda op, x, *_: torch.stack(x, op.dim),
    "split": lambda op, x, *_: torch.split(x[0], list(op.sizes), op.dim),
    "select": lambda op, x, *_: x[0].select(op.dim, op.index),
    "slice": lambda op, x, *_: torch.ops.aten.slice.Tensor(x[0], op.dim, op.start, op.end, op.step),
    "index": lambda op, x, *_: x[0][(slice(None),) * (op.dim % x[0].ndim) + (x[1],)],
    "prelu": lambda op, x, s, *_: F.prelu(x[0], s[0]),
    "full": lambda op, *_: torch.full(op.shape, op.value, dtype=DTYPES[op.dtype.value]),
    "arange": lambda op, *_: torch.arange(op.start, op.end, op.step, dtype=DTYPES[op.dtype.value]),
    "einsum": lambda op, x, *_: torch.einsum(op.equation, *x),
    "logical_and": binary(torch.logical_and),
    "logical_or": binary(torch.logical_or),
    "lstm": recurrent,
    "gru": recurrent,
    "rnn": recurrent,
    "scaled_dot_product_attention": attention,
    "gather": lambda op, x, *_: x[0].gather(op.dim, x[1]),
    "scatter": scatter,
    "prod": prod,
}
