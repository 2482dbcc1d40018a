"""Type inference: fills the types that a module leaves out and reports every one that cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .attributes import diagnostic
from .diagnostics import Diagnostic, NascError, counted
from .dims import Dim, Expr, solve, symbols_of
from .graph import CallBlock, Graph, Module, Node
from .memo import memoised
from .op import Op, Types, arity
from .types import DType, TensorType


@dataclass(frozen=True)
class Inferred:
    """A module with all types that could be inferred, and what was found wrong on the way."""

    module: Module
    diagnostics: tuple[Diagnostic, ...]


@memoised
def infer(module: Module) -> Inferred:
    """Infer all types, callees first; a graph without changes is kept as it is."""
    done: dict[str, Graph] = {}
    found: list[Diagnostic] = []
    for graph in callees_first(module):
        done[graph.name] = _infer_graph(graph, done, found)
    graphs = tuple(done.get(graph.name, graph) for graph in module.graphs)
    same = all(new is old for new, old in zip(graphs, module.graphs, strict=True))
    return Inferred(module if same else replace(module, graphs=graphs), tuple(found))


def callees(graph: Graph) -> list[str]:
    """Return the names of the graphs that a graph calls, each once, in order."""
    return list(dict.fromkeys(node.op.callee for node in graph.nodes if isinstance(node.op, CallBlock)))


def bind(callee: Graph, op: CallBlock, operands: Types) -> dict[str, Dim]:
    """Return the value of every symbol of a block for one call. Raises NascError where it does not fit."""
    given = dict(op.arguments)
    if set(given) != set(callee.symbols):
        raise diagnostic(
            f"call @{callee.name} gives {_names(given)} but the block takes {_names(callee.symbols)}",
            f"expected call @{callee.name} ... {{{', '.join(f'{name}=...' for name in callee.symbols)}}}",
            "call-arguments",
        )
    if len(operands) != len(callee.inputs):
        raise diagnostic(
            f"call @{callee.name} has {counted(len(operands), 'operand')} but the block takes {len(callee.inputs)}",
            f"expected {', '.join('%' + i.name for i in callee.inputs)}",
            "call-operands",
        )
    values = _solve_all(callee, given, operands)
    for formal, actual in zip(callee.inputs, operands, strict=True):
        wanted = formal.type.substitute(values)
        if wanted != actual:
            raise diagnostic(
                f"call @{callee.name}: %{formal.name} is {wanted} in the block, but the operand is {actual}",
                f"the block takes {formal.type}",
                "call-type",
            )
    return values


def _solve_all(callee: Graph, given: dict[str, Dim], operands: Types) -> dict[str, Dim]:
    values: dict[str, Dim] = dict(given)
    patterns: list[tuple[Dim, Dim]] = []
    for formal, actual in zip(callee.inputs, operands, strict=True):
        patterns += zip(formal.type.shape, actual.shape, strict=False)
    for _ in range(len(patterns)):
        found = [solve(p, v, values) for p, v in patterns if isinstance(p, Expr)]
        new = {name: value for pair in found if pair for name, value in [pair] if name not in values}
        if not new:
            break
        values.update(new)
    return values


def _names(names: Iterable[str]) -> str:
    shown = ", ".join(names)
    return f"{{{shown}}}" if shown else "no arguments"


def callees_first(module: Module) -> list[Graph]:
    """Order graphs so that callees come first; those on a cycle of calls, a violation, are left out."""
    graphs = {graph.name: graph for graph in module.graphs}
    waits = {name: sum(callee in graphs for callee in callees(graph)) for name, graph in graphs.items()}
    callers: dict[str, list[str]] = {name: [] for name in graphs}
    for name, graph in graphs.items():
        for callee in callees(graph):
            callers.get(callee, []).append(name)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:
        for caller in callers[name]:
            waits[caller] -= 1
            if not waits[caller]:
                ready.append(caller)
    return [graphs[name] for name in ready]


def _infer_graph(graph: Graph, done: Mapping[str, Graph], found: list[Diagnostic]) -> Graph:
    types = {value.name: value.type for value in graph.inputs}
    known = frozenset(graph.symbols).union(*(symbols_of(d) for i in graph.inputs for d in i.type.shape))
    nodes = [_infer_node(graph, node, types, known, done, found) for node in graph.nodes]
    outputs: Types = ()
    if all(name in types for name in graph.outputs):
        outputs = tuple(types[name] for name in graph.outputs)
    if graph.output_types and outputs and graph.output_types != outputs:
        stated, inferred = types_text(graph.output_types), types_text(outputs)
        found.append(
            Diagnostic(
                f"@{graph.name} states {stated} but returns {inferred}",
                f"write -> {inferred}",
                "stated-type",
                graph=graph.name,
            )
        )
    same = all(new is old for new, old in zip(nodes, graph.nodes, strict=True))
    if same and (graph.output_types == outputs or not outputs):
        return graph
    return replace(graph, nodes=tuple(nodes), output_types=outputs or graph.output_types)


def _infer_node(
    graph: Graph,
    node: Node,
    types: dict[str, TensorType],
    known: frozenset[str],
    done: Mapping[str, Graph],
    found: list[Diagnostic],
) -> Node:
    results: Types = ()
    if all(name in types for name in node.operands):
        try:
            _check_symbols(node.op, known, graph)
            results = result_types(node.op, tuple(types[name] for name in node.operands), done)
            _check_results(node, results)
        except NascError as error:
            found += [placed(d, graph, node) for d in error.diagnostics]
        except ZeroDivisionError:
            found.append(placed(Diagnostic("a size is divided by zero", "expected sizes >= 1", "type"), graph, node))
    shown = node.types or results
    types.update(zip(node.results, shown, strict=False))
    return node if shown == node.types else replace(node, types=shown)


def result_types(op: Op, operands: Types, blocks: Mapping[str, Graph]) -> Types:
    """Return the result types of one op. Raises NascError where the operands do not fit."""
    if isinstance(op, CallBlock):
        callee = blocks.get(op.callee)
        if callee is None or (callee.outputs and not callee.output_types):
            return ()
        values = bind(callee, op, operands)
        return tuple(output.substitute(values) for output in callee.output_types)
    return _inferred(op, operands, tuple(map(type, vars(op).values())))


@lru_cache(maxsize=65536)
def _inferred(op: Op, operands: Types, kinds: tuple[type, ...]) -> Types:
    """Return the result types of an op that is no call; networks repeat their layers. Raises NascError.

    ``kinds`` tell apart attributes that are equal and mean other types: 1 and 1.0.
    """
    least, most = arity(type(op))
    data, given = (operands, ()) if most is None else (operands[:most], operands[most:])
    if len(operands) < least:
        raise diagnostic(f"{op.name} has {_count(operands, 'operand')}", f"expected {operand_text(op)}", "operands")
    if op.floating and data and data[0].dtype.rank < DType.F16.rank:
        raise diagnostic(f"{op.name} needs floating-point numbers, not {data[0]}", "cast them first", "dtype")
    results = op.infer(data)
    if given:
        _check_given(op, data, given)
    _check_sizes(results)
    return results


def operand_text(op: Op) -> str:
    """Return the operands that an op takes, in words."""
    words = {"?": " (may be left out)", "*": ", ..."}
    shown = (f"%{name.rstrip('?*')}{words.get(name[-1], '')}" for name in op.operands)
    return ", ".join(shown) or "none"


def _count(items: Types | tuple[str, ...], noun: str) -> str:
    return f"{len(items) or 'no'} {noun}{'s' * (len(items) != 1)}"


def _check_given(op: Op, data: Types, given: Types) -> None:
    slots = op.state(data)
    if len(given) != len(slots):
        extra = f", and {', '.join('%' + s.name for s in slots)} where its weights are values" if slots else ""
        raise diagnostic(
            f"{op.name} has {_count((*data, *given), 'operand')}", f"expected {operand_text(op)}{extra}", "operands"
        )
    for slot, actual in zip(slots, given, strict=True):
        if slot.type.shape != actual.shape:
            raise diagnostic(f"{op.name} is given {actual} as {slot.name}", f"expected {slot.type}", "weight-shape")


def _check_sizes(results: Types) -> None:
    for result in results:
        if any(isinstance(size, int) and size < 0 for size in result.shape):
            raise diagnostic(f"the result {result} has a negative size", "expected sizes >= 0", "type")


def _check_symbols(op: Op, known: frozenset[str], graph: Graph) -> None:
    free = sorted(_symbols(op) - known)
    if free:
        declared = ", ".join((*graph.symbols, free[0]))
        raise diagnostic(f"symbol {free[0]} is not declared", f"write @{graph.name}<{declared}>", "unknown-symbol")


@lru_cache(maxsize=65536)
def _symbols(op: Op) -> frozenset[str]:
    return op.symbols()


def _check_results(node: Node, results: Types) -> None:
    if results and len(results) != len(node.results):
        raise diagnostic(
            f"{node.op.name} makes {_count(results, 'result')}, not {len(node.results)}",
            f"name {_count(results, 'result')}",
            "results",
        )
    if node.types and results and node.types != results:
        raise diagnostic(
            f"{node.op.name} is stated to be {types_text(node.types)} but is {types_text(results)}",
            f"write : {types_text(results)}, or leave the type out",
            "stated-type",
        )


def types_text(types: Types) -> str:
    """Return the types of several results as the text form writes them."""
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


def placed(diagnostic: Diagnostic, graph: Graph, node: Node) -> Diagnostic:
    """Return a finding with the node that it is about."""
    return replace(diagnostic, graph=graph.name, node=node.name, path=node.path, source=node.loc)
