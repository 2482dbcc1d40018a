"""Recurrent layers: LSTM, GRU and SimpleRNN, of one direction or both; gates in PyTorch's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..call import Call, Rule, as_tensor
from ..layout import Value, identity

# Keras's gates in PyTorch's order: LSTM has i, f, c, o in both; GRU has z, r, h in Keras and r, z, n in PyTorch.
_GATES = {"LSTM": ("lstm", (0, 1, 2, 3)), "GRU": ("gru", (1, 0, 2)), "SimpleRNN": ("rnn", (0,))}


def recurrent(call: Call) -> Value | tuple[Value, ...]:
    """Lower one direction."""
    layer = call.layer
    made, state = _run(call, layer, {"": layer})
    if layer.return_state:
        call.fail("it gives its states too")
    return made if layer.return_sequences else _state(call, state, made, layer)


def bidirectional(call: Call) -> Value:
    """Lower Bidirectional around two equal layers, their outputs joined."""
    both = call.layer
    forward, backward = both.forward_layer, both.backward_layer
    if both.merge_mode != "concat":
        call.fail(f"merge_mode={both.merge_mode!r} has no op")
    if type(forward).__name__ not in _GATES or both.return_state:
        call.fail("it wraps a layer that has no op, or gives states")
    made, state = _run(call, forward, {"": forward, "_reverse": backward})
    if forward.return_sequences:
        return made
    parts = call.walk.emit_parts("unbind", state, path=call.path, dim=0)
    return Value(call.emit("cat", *parts, dim=-1), identity(2))


def _run(call: Call, layer: Any, directions: Mapping[str, Any]) -> tuple[Value, str]:
    """Return the outputs of each step, and the last hidden states."""
    name = type(layer).__name__
    op, gates = _GATES[name]
    _check(call, layer, name)
    for end, one in directions.items():
        _keep(call, one.cell, gates, end)
    attributes: dict[str, object] = {"hidden_size": layer.units, "batch_first": True, "bias": layer.use_bias}
    if len(directions) > 1:
        attributes["bidirectional"] = True
    if name == "SimpleRNN" and _function(layer.activation) == "relu":
        attributes["nonlinearity"] = "relu"
    results = call.walk.emit_parts(op, call.plain().name, path=call.path, **attributes)
    return Value(results[0], identity(3)), results[1]


def _check(call: Call, layer: Any, name: str) -> None:
    wanted = {"LSTM": ("tanh", "sigmoid"), "GRU": ("tanh", "sigmoid"), "SimpleRNN": ("tanh", "relu")}[name]
    used = [_function(layer.activation)] + ([_function(layer.recurrent_activation)] if name != "SimpleRNN" else [])
    fits = used[0] in wanted if name == "SimpleRNN" else tuple(used) == wanted
    if not fits:
        call.fail(f"it uses {' and '.join(used)}, where {name.lower()} has no choice")
    if len(call.values) != 1 or any(value is not None for value in _states(call)):
        call.fail("it is given an initial state or a mask")
    if layer.go_backwards or layer.stateful or (name == "GRU" and not layer.reset_after):
        call.fail("go_backwards, stateful and reset_after=False have no op")


def _states(call: Call) -> list[Any]:
    return [call.kwargs.get("initial_state"), call.kwargs.get("mask")]


def _function(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _keep(call: Call, cell: Any, gates: tuple[int, ...], end: str) -> None:
    """Keep the weights of one direction, gates in PyTorch's order; a bias that Keras has once goes to the input."""
    call.own(f"weight_ih_l0{end}", _picked(as_tensor(cell.kernel), gates).t())
    call.own(f"weight_hh_l0{end}", _picked(as_tensor(cell.recurrent_kernel), gates).t())
    if cell.use_bias:
        bias = as_tensor(cell.bias)
        pair = bias if bias.ndim == 2 else torch.stack([bias, torch.zeros_like(bias)])
        call.own(f"bias_ih_l0{end}", _picked(pair[0], gates))
        call.own(f"bias_hh_l0{end}", _picked(pair[1], gates))


def _picked(tensor: Tensor, gates: tuple[int, ...]) -> Tensor:
    parts = tensor.chunk(len(gates), -1)
    return torch.cat([parts[gate] for gate in gates], -1)


def _state(call: Call, state: str, made: Value, layer: Any) -> Value:
    batch = call.walk.type(made).shape[0]
    return Value(call.emit("reshape", state, shape=(batch, layer.units)), identity(2))


RECURRENT: Mapping[str, Rule] = {
    **dict.fromkeys(_GATES, recurrent),
    "Bidirectional": bidirectional,
}
