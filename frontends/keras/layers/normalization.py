"""Normalisation layers; statistics and slopes that Keras leaves out are filled with zeros and ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..call import Call, Rule, as_tensor
from ..layout import Rows, Value


def _affine(call: Call, scale: Any, center: Any, count: int, rows: Rows | None = None) -> None:
    """Keep scale and shift as weight and bias."""
    weight = torch.ones(count) if scale is None else as_tensor(scale).reshape(-1)
    bias = torch.zeros(count) if center is None else as_tensor(center).reshape(-1)
    call.own("weight", _picked(weight, rows))
    call.own("bias", _picked(bias, rows))


def _picked(tensor: Tensor, rows: Rows | None) -> Tensor:
    return tensor if rows is None else tensor[rows.keras_indices()]


def batch_norm(call: Call) -> Value:
    """Lower BatchNormalization: PyTorch's momentum is one minus Keras's."""
    layer = call.layer
    if call.kwargs.get("training"):
        call.fail("it is called with training=True")
    if isinstance(layer.axis, list | tuple):
        call.fail("it normalises several axes")
    x, rows = call.x, call.x.rows
    if rows is None:
        rank = len(x.order)
        axis = layer.axis % rank
        x = call.ordered(x, (0, axis, *(other for other in range(1, rank) if other != axis)))
    mean = as_tensor(layer.moving_mean)
    affine = layer.scale or layer.center
    if affine:
        _affine(call, layer.gamma if layer.scale else None, layer.beta if layer.center else None, mean.numel(), rows)
    call.own("running_mean", _picked(mean, rows))
    call.own("running_var", _picked(as_tensor(layer.moving_variance), rows))
    call.own("num_batches_tracked", torch.tensor(0))
    momentum = round(1 - layer.momentum, 12)
    return call.same("batch_norm", x, eps=float(layer.epsilon), momentum=momentum, affine=affine)


def layer_norm(call: Call) -> Value:
    """Lower LayerNormalization over the last axes."""
    layer = call.layer
    x = call.plain()
    sizes = _last_sizes(call, x, layer.axis)
    if getattr(layer, "rms_scaling", False):
        call.fail("rms_scaling divides by the variance: use RMSNormalization")
    affine = layer.scale or layer.center
    if affine:
        weight = as_tensor(layer.gamma) if layer.scale else torch.ones(sizes)
        call.own("weight", weight.reshape(sizes))
        if layer.center:
            call.own("bias", as_tensor(layer.beta).reshape(sizes))
    return call.same(
        "layer_norm",
        x,
        normalized_shape=sizes,
        eps=float(layer.epsilon),
        elementwise_affine=affine,
        bias=bool(layer.center) or not affine,
    )


def rms_norm(call: Call) -> Value:
    """Lower RMSNormalization over the last axes."""
    x = call.plain()
    sizes = _last_sizes(call, x, call.layer.axis)
    call.own("weight", as_tensor(call.layer.scale).reshape(sizes))
    return call.same("rms_norm", x, normalized_shape=sizes, eps=float(call.layer.epsilon))


def _last_sizes(call: Call, x: Value, axis: int | list[int] | tuple[int, ...]) -> tuple[int, ...]:
    rank = len(x.order)
    axes = sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis))
    if axes != list(range(rank - len(axes), rank)):
        call.fail(f"it normalises axes {axes}, not the last ones")
    sizes = tuple(size for size in call.shape(x)[axes[0] :] if isinstance(size, int))
    if len(sizes) < len(axes):
        call.fail("it normalises an axis of unknown size")
    return sizes


def group_norm(call: Call) -> Value:
    """Lower GroupNormalization."""
    layer = call.layer
    rank = len(call.x.order)
    axis = layer.axis % rank
    x = call.ordered(call.x, (0, axis, *(other for other in range(1, rank) if other != axis)))
    channels = call.walk.type(x).shape[1]
    groups = channels if layer.groups == -1 else layer.groups
    affine = layer.scale or layer.center
    if affine:
        count = as_tensor(layer.gamma if layer.scale else layer.beta).numel()
        _affine(call, layer.gamma if layer.scale else None, layer.beta if layer.center else None, count)
    return call.same("group_norm", x, num_groups=groups, eps=float(layer.epsilon), affine=affine)


def unit_norm(call: Call) -> Value:
    """Lower UnitNormalization over one axis."""
    given: Any = call.layer.axis
    axis: int = given if isinstance(given, int) else given[0]
    if not isinstance(given, int) and len(given) > 1:
        call.fail("it normalises several axes")
    x = call.walk.unrolled(call.x, call.path)
    return call.same("normalize", x, dim=call.axis(axis, x))


def layer_scale(call: Call) -> Value:
    """Lower LayerScale of keras.applications: a product with one number a channel."""
    x = call.plain()
    gamma = as_tensor(call.layer.gamma)
    scale = call.walk.tensor("parameter", f"{call.path}.gamma", gamma)
    return Value(call.emit("mul", x, scale), x.order)


def rescaling(call: Call) -> Value:
    """Lower Rescaling: a product and a sum with numbers, or with one number a channel."""
    x = _numbered(call, "mul", call.x, call.layer.scale, "scale", 1)
    return _numbered(call, "add", x, call.layer.offset, "offset", 0)


def _numbered(call: Call, op: str, x: Value, number: Any, name: str, neutral: float) -> Value:
    """Return an op with a number, or with an array that broadcasts."""
    array = torch.as_tensor(number, dtype=torch.float32)
    if array.numel() == 1:
        value = float(array) if array.ndim else float(number)
        return x if value == neutral else call.same(op, x, other=value)
    return _against(call, op, x, array, name)


def _against(call: Call, op: str, x: Value, array: Tensor, name: str, *, data: bool = True) -> Value:
    """Return an op with an array of the model, laid out as ``x`` needs it: no node moves it."""
    rank = len(x.order)
    x = call.walk.unrolled(x, call.path)
    wide = array.reshape((1,) * (rank - array.ndim) + tuple(array.shape)).permute(x.order)
    while wide.ndim > 1 and wide.shape[0] == 1:
        wide = wide[0]
    constant = call.walk.tensor("constant", f"{call.path}.{name}", wide, data=data)
    return Value(call.emit(op, x, constant), x.order)


def normalization(call: Call) -> Value:
    """Lower Normalization: ``(x - mean) / max(sqrt(variance), 1e-7)``, or inverted."""
    layer = call.layer
    mean = as_tensor(layer.mean).float()
    deviation = as_tensor(layer.variance).float().sqrt().clamp(min=1e-7)
    x = call.x
    if layer.invert:
        return _against(call, "add", _against(call, "mul", x, deviation, "std", data=False), mean, "mean", data=False)
    x = _against(call, "sub", x, mean, "mean", data=False)
    return _against(call, "div", x, deviation, "std", data=False)


NORMALIZATION: Mapping[str, Rule] = {
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "GroupNormalization": group_norm,
    "UnitNormalization": unit_norm,
    "LayerScale": layer_scale,
    "Rescaling": rescaling,
    "Normalization": normalization,
}
