"""Recurrent layers: one ONNX operator a layer, its gates in ONNX's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ....ir.ops.recurrent import Recurrent
from ..writer import Site, Value
from .selection import cut

# The place in PyTorch's weights of each gate of ONNX's: i f g o become i o f g; r z n become z r n.
_GATES: Mapping[str, tuple[int, ...]] = MappingProxyType({"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)})


def _recurrent(site: Site) -> Sequence[Value]:
    op = site.node.op
    assert isinstance(op, Recurrent)
    if op.output_size != op.hidden_size:
        raise site.error(f"ONNX cannot express {op.name} with a projection", "leave proj_size out, or emit PyTorch")
    x = site.add("Transpose", site.x, perm=[1, 0, 2]) if op.batch_first else site.x
    states: list[list[Value]] = [[] for _ in site.node.results[1:]]
    for layer in range(op.num_layers):
        x, *last = _layer(site, op, layer, x)
        for state, value in zip(states, last, strict=True):
            state.append(value)
    x = site.add("Transpose", x, perm=[1, 0, 2]) if op.batch_first else x
    return [x, *(site.add("Concat", *state, axis=0) if len(state) > 1 else state[0] for state in states)]


def _layer(site: Site, op: Recurrent, layer: int, x: Value) -> Sequence[Value]:
    """Write one layer in its one or two directions; return its outputs ``[L,N,directions*C]`` and last states."""
    (hidden,) = site.fixed([op.hidden_size], "hidden_size")
    ends = [f"_l{layer}{end}" for end in ("", "_reverse")[: op.directions]]
    given: dict[str, Any] = {"hidden_size": hidden}
    if op.bidirectional:
        given["direction"] = "bidirectional"
    if op.name == "gru":
        given["linear_before_reset"] = 1
    if op.name == "rnn":
        given["activations"] = [site.get("nonlinearity").capitalize()] * op.directions
    first = layer * op.directions
    initial = [cut(site, state, 0, first, first + op.directions) for state in site.operands[1:]]
    weights = [_stacked(site, op, [[f"{slot}{end}"] for end in ends]) for slot in ("weight_ih", "weight_hh")]
    biases = [[f"bias_ih{end}", f"bias_hh{end}"] for end in ends]
    bias = _stacked(site, op, biases) if op.bias else None
    made = site.add_many(op.name.upper(), len(site.node.results), x, *weights, bias, None, *initial, **given)
    merged = site.add("Transpose", made[0], perm=[0, 2, 1, 3])
    return [site.add("Reshape", merged, site.axes(0, 0, -1)), *made[1:]]


def _stacked(site: Site, op: Recurrent, slots: Sequence[Sequence[str]]) -> Value:
    """Return weights with their gates in ONNX's order, the slots of a direction joined, one row a direction."""
    rows = [[_ordered(site, op, slot) for slot in group] for group in slots]
    joined = [site.add("Concat", *row, axis=0) if len(row) > 1 else row[0] for row in rows]
    apart = [site.add("Unsqueeze", row, site.axes(0)) for row in joined]
    return site.add("Concat", *apart, axis=0) if len(apart) > 1 else apart[0]


def _ordered(site: Site, op: Recurrent, slot: str) -> Value:
    weight, order = site.weights[slot], _GATES[op.name]
    if len(order) == 1:
        return weight
    gates = site.add_many("Split", len(order), weight, axis=0, num_outputs=len(order))
    return site.add("Concat", *(gates[place] for place in order), axis=0)


RECURRENT: Mapping[str, Callable[[Site], Sequence[Value]]] = MappingProxyType(
    {"gru": _recurrent, "lstm": _recurrent, "rnn": _recurrent}
)
