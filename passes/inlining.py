"""Inlining: every call replaced by the nodes of the block that it applies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar

from ..ir import (
    CallBlock,
    Dim,
    Graph,
    Module,
    Node,
    Op,
    TensorType,
    Types,
    bind,
    callees,
    checked,
    memoised,
)
from ..ir.ops.source import Constant, Parameter

Origin = tuple[tuple[str, str], ...]
Bound = tuple[Op, Types]
"""An op and its result types at the sizes of one call."""
OWN_NOTES = ("relevance", "score")


@dataclass(frozen=True)
class Expansion:
    """A flat module and, for each of its nodes, where it comes from.

    An origin is the way from the entry to the node: ``((graph, node), ...)``, all but the last being calls.
    """

    module: Module
    origins: Mapping[str, Origin]


@dataclass(frozen=True)
class Inline:
    """Expand all calls, so that the entry is the only graph left."""

    name: ClassVar[str] = "inline"

    def __call__(self, module: Module) -> Module:
        """Return the flat module. Raises NascError where the module is wrong."""
        return inline(module)


def inline(module: Module) -> Module:
    """Return a module of one graph without calls; the module itself where it is one. Memoised.

    Values and layers of a block are named after the call: its path, or its name where it has none. Symbols
    are replaced by what the call gives; keys of free parameters are prefixed like the paths. Raises NascError
    where the module does not check.
    """
    return expand(module).module


@memoised
def expand(module: Module) -> Expansion:
    """Return the flat module and the origin of each of its nodes. Raises NascError, as ``inline``."""
    typed = checked(module)
    main = typed.main
    if not callees(main):
        origins = {node.name: ((main.name, node.name),) for node in main.nodes}
        alone = len(typed.graphs) == 1
        return Expansion(typed if alone else replace(typed, graphs=(main,)), origins)
    flat: dict[str, tuple[Graph, dict[str, Origin]]] = {}
    _flatten(typed, main, flat)
    graph, found = flat[main.name]
    return Expansion(replace(typed, graphs=(graph,)), found)


def expand_calls(graph: Graph, blocks: Mapping[str, Graph]) -> Graph:
    """Return a typed graph in which the calls of these typed blocks, and only these, are expanded once."""
    return _expanded(graph, {name: (block, {}) for name, block in blocks.items()})[0]


def join(*parts: str) -> str:
    """Return dotted names as one, empty ones left out."""
    return ".".join(part for part in parts if part)


def value_name(path: str) -> str:
    """Return a path as the name of a value: letters, digits, dots and underscores, no digit first."""
    name = re.sub(r"[^\w.]", "_", path).strip(".") or "value"
    return f"_{name}" if name[0].isdigit() else name


def _flatten(module: Module, main: Graph, flat: dict[str, tuple[Graph, dict[str, Origin]]]) -> None:
    graphs = {graph.name: graph for graph in module.graphs}
    waiting = [main]
    while waiting:
        graph = waiting[-1]
        missing = [graphs[name] for name in callees(graph) if name not in flat]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if graph.name not in flat:
            flat[graph.name] = _expanded(graph, flat)


@dataclass
class _Target:
    """The graph being made: its nodes so far, the names taken and the new names of values."""

    graph: Graph
    types: dict[str, TensorType]
    nodes: list[Node] = field(default_factory=lambda: list[Node]())
    names: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    scopes: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    origins: dict[str, Origin] = field(default_factory=lambda: dict[str, Origin]())
    taken: set[str] = field(default_factory=lambda: set[str]())
    counts: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    bound: dict[tuple[str, tuple[tuple[str, Dim], ...]], list[Bound]] = field(default_factory=lambda: {})

    def fresh(self, name: str) -> str:
        """Return the name, numbered where it is taken."""
        candidate = name
        while candidate in self.taken:
            self.counts[name] = self.counts.get(name, 0) + 1
            candidate = f"{name}_{self.counts[name]}"
        self.taken.add(candidate)
        return candidate

    def at_sizes(self, block: Graph, values: Mapping[str, Dim]) -> list[Bound]:
        """Return the ops and result types of a block at these sizes, the same ones for the next call with them."""
        key = block.name, tuple(values.items())
        if key not in self.bound:
            self.bound[key] = [
                (node.op.substitute(values), tuple(t.substitute(values) for t in node.types)) for node in block.nodes
            ]
        return self.bound[key]


def _expanded(graph: Graph, flat: Mapping[str, tuple[Graph, dict[str, Origin]]]) -> tuple[Graph, dict[str, Origin]]:
    target = _Target(graph, graph.value_types(), scopes=dict(graph.scopes))
    calls = [isinstance(node.op, CallBlock) and node.op.callee in flat for node in graph.nodes]
    target.taken = {value.name for value in graph.inputs}
    for node, is_call in zip(graph.nodes, calls, strict=True):
        if not is_call:
            target.taken.update(node.results)
    for node, is_call in zip(graph.nodes, calls, strict=True):
        if is_call and isinstance(node.op, CallBlock):
            _splice(target, node, node.op, *flat[node.op.callee])
        else:
            operands = tuple(target.names.get(name, name) for name in node.operands)
            target.nodes.append(node if operands == node.operands else replace(node, operands=operands))
            target.origins[node.name] = ((graph.name, node.name),)
    outputs = tuple(target.names.get(name, name) for name in graph.outputs)
    if all(not is_call for is_call in calls):
        return graph, target.origins
    scopes = MappingProxyType(target.scopes)
    return replace(graph, nodes=tuple(target.nodes), outputs=outputs, scopes=scopes), target.origins


def _splice(target: _Target, call: Node, op: CallBlock, block: Graph, origins: Mapping[str, Origin]) -> None:
    values = bind(block, op, tuple(target.types[name] for name in call.operands))
    prefix = value_name(call.path or call.name)
    local = {
        formal.name: target.names.get(actual, actual)
        for formal, actual in zip(block.inputs, call.operands, strict=True)
    }
    notes = {key: value for key, value in call.notes.items() if key not in OWN_NOTES}
    for node, (own, types) in zip(block.nodes, target.at_sizes(block, values), strict=True):
        for result in node.results:
            local[result] = target.fresh(join(prefix, result))
        moved = Node(
            _keyed(own, call.path),
            tuple(local[name] for name in node.operands),
            tuple(local[name] for name in node.results),
            types,
            join(call.path, node.path),
            node.loc or call.loc,
            {**notes, **node.notes} if notes else node.notes,
        )
        target.nodes.append(moved)
        trail = origins.get(node.name, ((block.name, node.name),))
        target.origins[moved.name] = ((target.graph.name, call.name), *trail)
    for result, output in zip(call.results, block.outputs, strict=True):
        target.names[result] = local[output]
    for path, name in block.scopes.items():
        target.scopes.setdefault(join(call.path, path), name)


def _keyed(op: Op, path: str) -> Op:
    return op.replace(key=join(path, op.key)) if path and isinstance(op, Parameter | Constant) else op
