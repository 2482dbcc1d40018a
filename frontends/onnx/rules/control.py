"""Rules of control flow whose way is known when the model is lowered: branches taken, loops written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import AttributeProto, GraphProto

from ....ir import Expr
from ..places import unsupported
from ..site import Site, Values
from ..values import Value, number_of

MAX_TURNS = 1000


def _graph(site: Site, name: str) -> GraphProto:
    found = site.attribute(name)
    if found is None or found.type != AttributeProto.GRAPH:
        raise unsupported(f"{site.op} has no graph {name}", "the model may be damaged", "attribute")
    return found.g


def branch(site: Site) -> Values:
    """Lower ``If`` whose condition is known."""
    condition = site.number(0)
    if condition is None:
        raise site.needs(0)
    return site.translation.branch(_graph(site, "then_branch" if condition else "else_branch"), site.frame)


def loop(site: Site) -> Values:
    """Lower ``Loop`` of a known number of turns, one after the other."""
    turns = site.number(0) if site.has(0) else MAX_TURNS
    going = site.number(1) if site.has(1) else True
    if turns is None or going is None:
        raise site.needs(0 if turns is None else 1)
    if turns > MAX_TURNS:
        raise unsupported(f"Loop of {turns} turns", f"expected at most {MAX_TURNS}, which are written out", "limit")
    body = _graph(site, "body")
    carried = [site.input(i) for i in range(2, len(site.inputs))]
    rows: list[list[Value]] = []
    for turn in range(int(turns)):
        if not going:
            break
        count, condition = _number(turn), _truth(going)
        made = site.translation.branch(body, site.frame, [count, condition, *carried])
        if any(value.broken for value in made):
            return (Value(broken=True),) * len(site.node.output)
        known = None if made[0].array is None else number_of(made[0].array)
        if known is None:
            raise unsupported("Loop ends when data says so", "expected a known number of turns", "needs-constant")
        going, carried = known, list(made[1 : 1 + len(carried)])
        rows.append(list(made[1 + len(carried) :]))
    if not rows and len(site.node.output) > len(carried):
        raise unsupported("Loop without a turn gives an empty list", "expected one turn or more")
    return (*carried, *(_stacked(site, list(column), 0) for column in zip(*rows, strict=True)))


def scan(site: Site) -> Values:
    """Lower ``Scan`` over axes of known length, one step after the other."""
    body = _graph(site, "body")
    count = site.integer("num_scan_inputs", 1)
    states = [site.input(i) for i in range(len(site.inputs) - count)]
    axes = site.integers("scan_input_axes") or (0,) * count
    backward = site.integers("scan_input_directions") or (0,) * count
    inputs = [site.value(len(states) + i) for i in range(count)]
    steps = site.type(inputs[0]).shape[axes[0]] if inputs else 0
    if isinstance(steps, Expr) or steps > MAX_TURNS:
        raise unsupported(f"Scan over {steps} steps", f"expected a known number, at most {MAX_TURNS}", "limit")
    rows: list[list[Value]] = []
    for step in range(steps):
        places = [steps - 1 - step if back else step for back in backward]
        parts = [site.emit("select", x, dim=a, index=p) for x, a, p in zip(inputs, axes, places, strict=True)]
        made = site.translation.branch(body, site.frame, [*states, *(Value(name=part) for part in parts)])
        if any(value.broken for value in made):
            return (Value(broken=True),) * len(site.node.output)
        states, row = list(made[: len(states)]), list(made[len(states) :])
        rows.append(row)
    ways = site.integers("scan_output_directions") or (0,) * len(rows[0] if rows else [])
    places_out = site.integers("scan_output_axes") or (0,) * len(ways)
    columns = [list(column) for column in zip(*rows, strict=True)]
    ordered = [column[::-1] if way else column for column, way in zip(columns, ways, strict=True)]
    return (*states, *(_stacked(site, column, a) for column, a in zip(ordered, places_out, strict=True)))


def _stacked(site: Site, column: list[Value], axis: int) -> str:
    return site.emit("stack", *(site.translation.materialise(value) for value in column), dim=axis)


def _number(turn: int) -> Value:

    return Value(array=np.array(turn, np.int64))


def _truth(value: object) -> Value:

    return Value(array=np.array(bool(value)))


RULES: Mapping[str, Callable[[Site], Values]] = {"If": branch, "Loop": loop, "Scan": scan}
