"""Rules of recurrent layers: their weights in PyTorch's order of gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ....ir import Dim
from ..places import unsupported
from ..site import Site, Values
from ..tensors import Array


@dataclass(frozen=True)
class Kind:
    """One recurrent layer: its op, where ONNX has each of PyTorch's gates, how many states, its activations."""

    op: str
    gates: tuple[int, ...]
    states: int
    activations: tuple[str, ...]


KINDS = {
    "LSTM": Kind("lstm", (0, 2, 3, 1), 2, ("sigmoid", "tanh", "tanh")),
    "GRU": Kind("gru", (1, 0, 2), 1, ("sigmoid", "tanh")),
    "RNN": Kind("rnn", (0,), 1, ("tanh",)),
}


def recurrent(site: Site) -> Values:
    """Lower ``LSTM``, ``GRU`` and ``RNN``."""
    kind = KINDS[site.op]
    direction = site.word("direction", "forward")
    count = 2 if direction == "bidirectional" else 1
    nonlinearity = _check(site, kind, count)
    weight, hidden = site.known(1), site.known(2)
    if weight is None or hidden is None:
        raise site.needs(1 if weight is None else 2)
    if weight.ndim != 3 or hidden.ndim != 3 or weight.shape[0] != count or hidden.shape[0] != count:
        raise unsupported(f"{site.op} with weights {weight.shape} and {hidden.shape}", f"expected {count} directions")
    size = hidden.shape[2]
    x = site.value(0)
    if site.integer("layout", 0):
        x = site.permute(x, (1, 0, 2))
    if direction == "reverse":
        x = site.emit("flip", x, dims=(0,))
    operands = [x, *_initial(site, kind, x, count, size), *_state(site, kind, weight, hidden, count)]
    attributes: dict[str, object] = {"nonlinearity": nonlinearity} if kind.op == "rnn" else {}
    made = site.emit_many(kind.op, operands, hidden_size=size, bias=site.has(3), bidirectional=count == 2, **attributes)
    return _results(site, made, direction, count, size)


def _check(site: Site, kind: Kind, count: int) -> str:
    """Raise NascError where a layer does what PyTorch's does not; return the activation of a plain one."""
    found = site.attribute("activations")
    names = tuple(one.decode("utf-8", "replace").lower() for one in found.strings) if found else ()
    wanted = kind.activations * count
    plain = kind.op == "rnn" and names == ("relu",) * count
    if names and names != wanted and not plain:
        raise unsupported(f"{site.op} with the activations {', '.join(names)[:80]}", f"expected {', '.join(wanted)}")
    if site.op == "GRU" and not site.integer("linear_before_reset", 0):
        raise unsupported("GRU resets the state before its product", "PyTorch's GRU has linear_before_reset=1")
    if site.attribute("clip") is not None or site.integer("input_forget", 0) or site.has(7):
        raise unsupported(f"{site.op} with clip, input_forget or peepholes", "PyTorch's layers have none")
    lengths = site.known(4)
    steps: Dim = site.input_type(0).shape[1 if site.integer("layout", 0) else 0]
    if site.has(4) and (lengths is None or any(int(length) != steps for length in lengths.reshape(-1))):
        raise unsupported(f"{site.op} over sequences of several lengths", "expected all of full length")
    return "relu" if plain else "tanh"


def _initial(site: Site, kind: Kind, x: str, count: int, size: int) -> list[str]:
    batch = site.type(x).shape[1]
    shape = (count, batch, size)
    dtype = site.type(x).dtype
    states: list[str] = []
    for index in (5, 6)[: kind.states]:
        if site.has(index):
            given = site.value(index)
            states.append(site.permute(given, (1, 0, 2)) if site.integer("layout", 0) else given)
        else:
            states.append(site.emit("full", shape=shape, value=0, dtype=dtype))
    return states


def _state(site: Site, kind: Kind, weight: Array, hidden: Array, count: int) -> list[str]:
    """Return the weights as PyTorch orders them: for each direction both matrices, then both biases."""
    bias = site.known(3)
    if site.has(3) and bias is None:
        raise site.needs(3)
    operands: list[str] = []
    for way in range(count):
        operands.append(site.constant(_reordered(weight[way], kind), like=1))
        operands.append(site.constant(_reordered(hidden[way], kind), like=2))
        if bias is not None:
            for part in np.split(bias[way], 2):
                operands.append(site.constant(_reordered(part, kind), like=3))
    return operands


def _reordered(rows: Array, kind: Kind) -> Array:
    if len(rows) % len(kind.gates):
        raise unsupported(f"a weight of {len(rows)} rows for {len(kind.gates)} gates", "expected a multiple")
    parts = np.split(rows, len(kind.gates))
    return np.concatenate([parts[gate] for gate in kind.gates]).astype(rows.dtype)


def _results(site: Site, made: tuple[str, ...], direction: str, count: int, size: int) -> tuple[str, ...]:
    """Return the outputs as ONNX lays them: ``[L, directions, N, C]``, and the last states."""
    length, batch, _ = site.type(made[0]).shape
    y = site.emit("flip", made[0], dims=(0,)) if direction == "reverse" else made[0]
    if not site.integer("layout", 0):
        outputs = site.permute(site.reshape(y, (length, batch, count, size)), (0, 2, 1, 3))
        return (outputs, *made[1:])
    outputs = site.permute(site.reshape(y, (length, batch, count, size)), (1, 0, 2, 3))
    return (outputs, *(site.permute(state, (1, 0, 2)) for state in made[1:]))


RULES: Mapping[str, Callable[[Site], Values]] = dict.fromkeys(KINDS, recurrent)
