"""Layers of matrix products and tables: Dense, EinsumDense, Embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..call import Call, Rule, as_tensor
from ..layout import Value, identity
from .activation import activated


def linear(call: Call, x: Value, kernel: Any, bias: Any, path: str | None = None) -> Value:
    """Return ``x @ kernel + bias``; where features were flattened channels-first, the kernel's rows move instead."""
    weight = as_tensor(kernel).t()
    if x.rows is not None:
        weight = weight[:, x.rows.keras_indices()]
    else:
        x = call.plain(x)
    call.own("weight", weight, path)
    if bias is not None:
        call.own("bias", bias, path)
    made = call.emit("linear", x, path=path, out_features=weight.shape[0], bias=bias is not None)
    return Value(made, identity(len(x.order)))


def dense(call: Call) -> Value:
    """Lower Dense."""
    layer = call.layer
    return activated(call, linear(call, call.x, layer.kernel, layer.bias if layer.use_bias else None))


def einsum_dense(call: Call) -> Value:
    """Lower EinsumDense that contracts the last axes of its input with the first of its kernel: a linear layer."""
    layer = call.layer
    inputs, _, rest = layer.equation.replace("...", "").partition(",")
    kernel, _, outputs = rest.partition("->")
    joined = [letter for letter in kernel if letter not in outputs]
    made = [letter for letter in kernel if letter in outputs]
    plain = inputs.endswith("".join(joined)) and kernel == "".join([*joined, *made]) and joined
    if not plain or outputs != inputs.removesuffix("".join(joined)) + "".join(made):
        call.fail(f"einsum {layer.equation!r} is not a linear layer over the last axes")
    weight = as_tensor(layer.kernel)
    wide = weight.shape[len(joined) :]
    x = call.plain()
    lead = call.shape(x)[: len(x.order) - len(joined)]
    x = call.plain(call.walk.reshaped(x, (*lead, weight.shape[: len(joined)].numel()), call.path))
    bias = None if layer.bias is None else as_tensor(layer.bias).expand(wide).reshape(-1)
    made_value = linear(call, x, weight.reshape(-1, wide.numel()), bias)
    return activated(call, call.walk.reshaped(made_value, (*lead, *wide), call.path))


def embedding(call: Call) -> Value:
    """Lower Embedding."""
    layer = call.layer
    if layer.mask_zero:
        call.fail("mask_zero passes a mask on to later layers")
    call.own("weight", layer.embeddings)
    x = call.plain()
    if call.walk.type(x).dtype.is_floating:
        x = call.same("cast", x, dtype="i32")
    made = call.emit("embedding", x, num_embeddings=layer.input_dim, embedding_dim=layer.output_dim)
    return Value(made, identity(len(x.order) + 1))


def time_distributed(call: Call) -> Value:
    """Lower TimeDistributed around a Dense, which works on the last axis anyway."""
    inner = call.layer.layer
    if type(inner).__name__ != "Dense":
        call.fail(f"TimeDistributed around {type(inner).__name__} has no op")
    return dense(Call(call.walk, inner, f"{call.path}.{inner.name}", (call.plain(),), {}))


DENSE: Mapping[str, Rule] = {
    "Dense": dense,
    "EinsumDense": einsum_dense,
    "Embedding": embedding,
    "TimeDistributed": time_distributed,
}
