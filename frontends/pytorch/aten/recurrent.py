"""Rules of recurrent layers: LSTM, GRU and the plain one, whose weights come as one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import fx

from ....ir import OPS, Op, build
from ..site import Site, Values

Rule = Callable[[Site], Values]


def _recurrent(op: str, gates: int, **facts: object) -> Rule:
    """Return the rule of a recurrent layer with this many gates."""

    def rule(site: Site) -> Values:
        weights: list[fx.Node] = site.args["params"]
        first = site.translation.sizes.type(weights[0].meta["val"]).shape
        shared = ("num_layers", "dropout", "bidirectional", "batch_first")
        attributes: dict[str, Any] = {name: site.args[name] for name in shared}
        attributes |= {"hidden_size": first[0] // gates, "bias": site.args["has_biases"], **facts}
        if op == "lstm" and len(weights) % 5 == 0 and _projects(site, weights):
            attributes["proj_size"] = site.translation.sizes.type(weights[1].meta["val"]).shape[1]
        return _layer(site, build(OPS[op], attributes), weights)

    return rule


def _projects(site: Site, weights: list[fx.Node]) -> bool:
    """Return whether an LSTM projects its output: its recurrent weight is narrower than its cells."""
    rows, columns = site.translation.sizes.type(weights[1].meta["val"]).shape
    return rows != 4 * columns


def _layer(site: Site, op: Op, weights: list[fx.Node]) -> Values:
    """Add the layer: with its weights by path and without an initial state of zeros, where that can be."""
    x = site.value("input")
    initial = site.args["hx"]
    states = [site.translation.value(item) for item in (initial if isinstance(initial, list) else [initial])]
    names = [slot.name for slot in op.state((site.type(x),))]
    slots = dict(zip(names, weights, strict=True))
    path = site.translation.layer_path(op, site.path, slots, ())
    if path is None:
        operands = [x, *states, *(site.translation.value(node) for node in weights)]
    else:
        operands = [x] if all(_is_zero(site, state) for state in states) else [x, *states]
    return site.translation.builder.add(op, operands, path=site.path if path is None else path, loc=site.loc)


def _is_zero(site: Site, value: str) -> bool:
    made = site.translation.maker(value)
    return made is not None and made.op.name == "full" and getattr(made.op, "value", None) == 0


RECURRENT: Mapping[str, Rule] = {
    "lstm.input": _recurrent("lstm", 4),
    "gru.input": _recurrent("gru", 3),
    "rnn_tanh.input": _recurrent("rnn", 1),
    "rnn_relu.input": _recurrent("rnn", 1, nonlinearity="relu"),
}
