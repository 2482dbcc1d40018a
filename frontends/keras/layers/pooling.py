"""Pooling: windows that reach over the edge count what is inside, as TensorFlow's SAME does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..call import Call, Rule, sizes
from ..layout import Value
from ..windows import Pairs, same_pads, symmetric
from .convolution import cropped


def _pooling(kind: str, rank: int) -> Rule:
    op = f"{kind}_pool{rank}d"

    def rule(call: Call) -> Value:
        x = call.first()
        kernel = sizes(call.layer.pool_size, rank)
        stride = sizes(call.layer.strides or kernel, rank)
        attributes: dict[str, Any] = {"kernel_size": kernel}
        if stride != kernel:
            attributes["stride"] = stride
        if call.layer.padding != "same":
            return Value(call.emit(op, x, **attributes), x.order)
        pads = same_pads(call, call.walk.type(x).shape[2:], kernel, stride)
        if kind == "avg" and any(side for pair in pads for side in pair):
            attributes["count_include_pad"] = False
        return Value(_same(call, op, x, pads, stride, attributes), x.order)

    return rule


def _same(call: Call, op: str, x: Value, pads: Pairs, stride: Sequence[int], attributes: Mapping[str, Any]) -> str:
    """Return pooling with "same" padding, in which padding counts for nothing.

    Where one more element is padded behind than before, ``ceil_mode`` lets in the partial window at the end; with
    stride 1, where the window there would be whole, the result of padding both sides loses its first element.
    """
    if symmetric(pads) is not None:
        return call.emit(op, x, **_padded(pads, 0), **attributes)
    single = [before < after and s == 1 for (before, after), s in zip(pads, stride, strict=True)]
    if not any(single):
        return call.emit(op, x, **_padded(pads, 0), ceil_mode=True, **attributes)
    if any(before < after and s > 1 for (before, after), s in zip(pads, stride, strict=True)):
        call.fail('padding="same" of an even window, with a stride along one axis alone, has no op')
    return cropped(call, call.emit(op, x, **_padded(pads, 1), **attributes), [(int(one), 0) for one in single])


def _padded(pads: Pairs, side: int) -> dict[str, Any]:
    padding = tuple(pair[side] for pair in pads)
    return {"padding": padding} if any(padding) else {}


def _global(kind: str, rank: int) -> Rule:
    def rule(call: Call) -> Value:
        x = call.walk.unrolled(call.x, call.path)
        last = getattr(call.layer, "data_format", "") != "channels_first"
        space = sorted(x.order.index(axis) for axis in range(2 - last, rank + 2 - last))
        keep = bool(call.layer.keepdims)
        if kind == "avg" and space == [2, 3]:
            x = Value(call.emit("adaptive_avg_pool2d", x, output_size=(1, 1)), x.order)
            return x if keep else Value(call.emit("flatten", x, start_dim=1), (0, 1))
        made = call.emit("mean" if kind == "avg" else "amax", x, dim=tuple(space), keepdim=keep)
        return Value(made, x.order if keep else (0, 1))

    return rule


def _adaptive(kind: str, rank: int) -> Rule:
    op = f"adaptive_{kind}_pool{rank}d"

    def rule(call: Call) -> Value:
        x = call.first()
        return Value(call.emit(op, x, output_size=sizes(call.layer.output_size, rank)), x.order)

    return rule


POOLING: Mapping[str, Rule] = {
    **{f"MaxPooling{rank}D": _pooling("max", rank) for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": _pooling("avg", rank) for rank in (1, 2, 3)},
    **{f"GlobalAveragePooling{rank}D": _global("avg", rank) for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": _global("max", rank) for rank in (1, 2, 3)},
    **{f"AdaptiveAveragePooling{rank}D": _adaptive("avg", rank) for rank in (1, 2, 3)},
    **{f"AdaptiveMaxPooling{rank}D": _adaptive("max", rank) for rank in (1, 2, 3)},
}
