"""Attention: MultiHeadAttention as four linear layers around scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..call import Call, Rule, as_tensor
from ..layout import Value, identity
from .dense import linear


def multi_head(call: Call) -> Value:
    """Lower MultiHeadAttention over sequences ``[N,L,D]``: all heads of a projection are one linear layer."""
    layer = call.layer
    query, value = call.get(0, "query"), call.get(1, "value")
    key = call.args[2] if len(call.args) > 2 else call.kwargs.get("key")
    _check(call, query)
    parts = {"query": query, "key": value if key is None else key, "value": value}
    heads = [_projected(call, name, part, getattr(layer, f"_{name}_dense")) for name, part in parts.items()]
    given: dict[str, Any] = {"is_causal": True} if call.kwargs.get("use_causal_mask") else {}
    mixed = call.emit("scaled_dot_product_attention", *heads, **given)
    together = call.emit("permute", mixed, dims=(0, 2, 1, 3))
    batch, length, count, width = call.walk.builder.types[together].shape
    joined = call.walk.reshaped(Value(together, identity(4)), (batch, length, count * width), call.path)
    dense = layer._output_dense
    out = as_tensor(dense.kernel)
    bias = as_tensor(dense.bias) if dense.bias is not None else None
    return linear(call, call.plain(joined), out.flatten(0, 1), bias, f"{call.path}.attention_output")


def _check(call: Call, query: Any) -> None:
    layer = call.layer
    used = [name for name in ("attention_mask", "query_mask", "value_mask", "key_mask") if call.kwargs.get(name)]
    asked = used or (["return_attention_scores"] if call.kwargs.get("return_attention_scores") else [])
    if asked:
        call.fail(f"{asked[0]} has no op")
    if layer._attention_axes not in (None, (1,), [1]) or not isinstance(query, Value) or len(query.order) != 3:
        call.fail("attention over other axes than the second of three has no op")
    if layer._sliding_window or getattr(layer, "_use_gate", False):
        call.fail("a sliding window, or a gate, has no op")


def _projected(call: Call, name: str, x: Value, dense: Any) -> str:
    """Return ``[N,heads,L,width]`` of a projection."""
    kernel = as_tensor(dense.kernel)
    bias = as_tensor(dense.bias).reshape(-1) if dense.bias is not None else None
    wide = linear(call, call.plain(x), kernel.flatten(1), bias, f"{call.path}.{name}")
    batch, length, _ = call.shape(wide)
    split = call.emit("reshape", wide, shape=(batch, length, *kernel.shape[1:]))
    return call.emit("permute", split, dims=(0, 2, 1, 3))


ATTENTION: Mapping[str, Rule] = {"MultiHeadAttention": multi_head}
