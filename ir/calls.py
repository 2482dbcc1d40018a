"""Blocks where they are called: how many nodes the calls expand to, and whether each block holds at the sizes given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .attributes import diagnostic
from .diagnostics import Diagnostic, NascError
from .dims import Dim, symbol
from .graph import CallBlock, Graph, Module, Node
from .inference import bind, callees_first, placed, result_types, types_text
from .types import TensorType

MAX_NODES = 200_000
"""How many nodes a text may have, and a module once its calls are expanded."""
Sizes = tuple[tuple[str, Dim], ...]
Instance = tuple[str, Sizes]


def expanded_nodes(module: Module) -> int:
    """Return how many nodes the entry has once all calls are expanded; none of them is made."""
    counts: dict[str, int] = {}
    for graph in callees_first(module):
        counts[graph.name] = sum(
            counts.get(node.op.callee, 1) if isinstance(node.op, CallBlock) else 1 for node in graph.nodes
        )
    return counts.get(module.entry, 0)


def misfits(module: Module) -> Iterator[Diagnostic]:
    """Yield the first fault of each block at each set of sizes that calls from the entry give it.

    A block is checked with its sizes open; what only fails at some sizes (a window larger than its input, groups
    that do not divide the channels) is found here. The module has all types and no other fault.
    """
    graphs = {graph.name: graph for graph in module.graphs}
    waiting: list[Instance] = [(module.entry, ())]
    seen: set[Instance] = set(waiting)
    for name, sizes in waiting:
        graph, values = graphs[name], dict(sizes)
        types = graph.value_types()
        for node in graph.nodes:
            try:
                called = _fitted(node, types, values, graphs)
            except NascError as error:
                yield from (placed(_told(d, values), graph, node) for d in error.diagnostics)
                break
            except ZeroDivisionError:
                zero = Diagnostic("a size is divided by zero", "expected sizes >= 1", "type")
                yield placed(_told(zero, values), graph, node)
                break
            if called is not None and called not in seen:
                seen.add(called)
                waiting.append(called)


def _fitted(
    node: Node, types: Mapping[str, TensorType], values: Mapping[str, Dim], graphs: Mapping[str, Graph]
) -> Instance | None:
    """Check a node at these sizes; return the block that it calls and at which. Raises NascError, ZeroDivisionError."""
    call = isinstance(node.op, CallBlock)
    if not values and not call:
        return None
    op = node.op.substitute(values)
    operands = tuple(types[name].substitute(values) for name in node.operands)
    results = result_types(op, operands, graphs)
    stated = tuple(types[name].substitute(values) for name in node.results)
    if results != stated:
        raise diagnostic(
            f"{op.name} makes {types_text(results)}, not {types_text(stated)} as with open sizes",
            "call the block with other sizes, or write one for these",
            "stated-type",
        )
    if not isinstance(op, CallBlock):
        return None
    return op.callee, tuple(sorted(bind(graphs[op.callee], op, operands).items()))


def _told(found: Diagnostic, values: Mapping[str, Dim]) -> Diagnostic:
    """Return a fault of a block with the sizes at which it shows."""
    sizes = ", ".join(f"{name}={value}" for name, value in values.items() if value != symbol(name))
    return replace(found, message=f"{found.message}, when called with {sizes}") if sizes else found
