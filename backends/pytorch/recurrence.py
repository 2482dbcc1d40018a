"""Recurrent layers as code: calls of the layers, which nest their states, and of the functions behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ...ir import Dim, Node, Types
from ...ir.ops.recurrent import Recurrent
from .layout import Doc, Group, Item, call, flat


def layer_operands(node: Node, operands: Sequence[Doc]) -> list[Doc]:
    """Return the arguments of a layer's call: an LSTM takes its two initial states as one pair."""
    first, *states = operands
    return [first, _tuple(states)] if len(states) > 1 and node.op.name == "lstm" else list(operands)


def layer_targets(node: Node, names: Sequence[str]) -> str:
    """Return what the result of a layer's call is assigned to: an LSTM gives its two last states as one pair."""
    if node.op.name != "lstm":
        return ", ".join(names)
    output, *states = names
    return f"{output}, _" if set(states) == {"_"} else f"{output}, ({', '.join(states)})"


def function(node: Node, operands: Sequence[Doc], types: Types, size: Callable[[Dim], str]) -> Doc:
    """Return ``torch.lstm(x, (h0, c0), [weights], ...)``: the layer's function, its weights being values.

    ``types`` are those of the operands that are no weights, or of all of them; ``size`` writes a size.
    """
    op = cast("Recurrent", node.op)
    count = len(types) if len(types) < len(operands) else len(type(op).operands)
    initial = list(operands[1:count]) or _zeros(op, operands[0], types, size)
    weights = Group("[", tuple(Item(operand) for operand in operands[count:]), "]", display=True)
    states = _tuple(initial) if op.name == "lstm" else initial[0]
    facts = [op.bias, op.num_layers, op.dropout, "self.training", op.bidirectional, op.batch_first]
    name = f"rnn_{getattr(op, 'nonlinearity', 'tanh')}" if op.name == "rnn" else op.name
    return call(f"torch.{name}", operands[0], states, weights, *map(str, facts))


def _tuple(docs: Sequence[Doc]) -> Doc:
    return Group("(", tuple(Item(doc) for doc in docs), ")")


def _zeros(op: Recurrent, x: Doc, types: Types, size: Callable[[Dim], str]) -> list[Doc]:
    """Return initial states of zeros."""
    (_, *states) = op.infer(types[:1])
    return [call(f"{flat(x)}.new_zeros", *(size(dim) for dim in state.shape)) for state in states]
