"""The verifier: everything that must hold of a module, and every violation at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .calls import MAX_NODES, expanded_nodes, misfits
from .diagnostics import Diagnostic, NascError, did_you_mean
from .dims import symbols_of
from .graph import CallBlock, Graph, Module
from .inference import callees_first, infer
from .memo import memoised

# Words that mean something else where a size may stand.
NO_SYMBOLS = ("true", "false", "none", "inf", "nan")


@memoised
def verify(module: Module) -> tuple[Diagnostic, ...]:
    """Return every violation: names, references, calls, arities, attributes and types."""
    structure = tuple(_structure(module))
    if _broken(structure):
        return structure
    inferred = infer(module)
    found = structure + inferred.diagnostics
    return found or tuple(misfits(inferred.module))


def checked(module: Module) -> Module:
    """Return the module with all types filled in. Raises NascError with every violation."""
    found = [diagnostic for diagnostic in verify(module) if diagnostic.severity == "error"]
    if found:
        raise NascError(*found)
    return infer(module).module


def _broken(found: tuple[Diagnostic, ...]) -> bool:
    return any(diagnostic.code in ("duplicate-graph", "size") for diagnostic in found)


def _structure(module: Module) -> Iterator[Diagnostic]:
    names = [graph.name for graph in module.graphs]
    for name, count in Counter(names).items():
        if count > 1:
            yield Diagnostic(
                f"there are {count} graphs @{name}", "give each its own name", "duplicate-graph", graph=name
            )
    if module.entry not in names:
        yield Diagnostic(
            f"the entry @{module.entry} does not exist", did_you_mean(module.entry, names), "unknown-graph"
        )
    for graph in module.graphs:
        yield from _symbols(graph)
        yield from _values(graph)
        yield from _outputs(graph)
        yield from _calls(module, graph)
    yield from _call_cycles(module)
    yield from _size(module)


def _symbols(graph: Graph) -> Iterator[Diagnostic]:
    names = {name for value in graph.inputs for size in value.type.shape for name in symbols_of(size)}
    for name in sorted(names.union(graph.symbols)):
        if not name.isidentifier() or name in NO_SYMBOLS:
            hint = "expected a letter or _, then letters, digits or _; and none of " + ", ".join(NO_SYMBOLS)
            yield Diagnostic(f"{name!r} cannot be a symbol", hint, "symbol-name", graph=graph.name)


def _values(graph: Graph) -> Iterator[Diagnostic]:
    everything = graph.value_names()
    for name, count in Counter(everything).items():
        if count > 1:
            yield Diagnostic(
                f"%{name} is defined {count} times",
                "give each value its own name",
                "duplicate-value",
                graph=graph.name,
                node=name,
            )
    seen = {value.name for value in graph.inputs}
    later = set(everything)
    for node in graph.nodes:
        for operand in node.operands:
            if operand not in seen:
                yield _undefined(graph, operand, later, node.name)
        seen.update(node.results)


def _outputs(graph: Graph) -> Iterator[Diagnostic]:
    seen = set(graph.value_names())
    for output in graph.outputs:
        if output not in seen:
            yield _undefined(graph, output, seen, "")
    if not graph.outputs:
        yield Diagnostic(f"@{graph.name} returns nothing", "add `return %value`", "no-output", graph=graph.name)


def _undefined(graph: Graph, name: str, candidates: set[str], node: str) -> Diagnostic:
    if name in candidates:
        message = f"%{name} is used before it is defined"
        hint = "order the nodes so that each comes after its operands; a cycle has no such order"
        code = "cycle"
    else:
        message, code = f"%{name} is not defined", "undefined-value"
        hint = did_you_mean(name, candidates)
    return Diagnostic(message, hint, code, graph=graph.name, node=node)


def _calls(module: Module, graph: Graph) -> Iterator[Diagnostic]:
    calls = [node for node in graph.nodes if isinstance(node.op, CallBlock)]
    names = dict.fromkeys(other.name for other in module.graphs) if calls else dict[str, None]()
    for node in calls:
        if isinstance(node.op, CallBlock) and node.op.callee not in names:
            hint = did_you_mean(node.op.callee, names)
            yield Diagnostic(
                f"there is no graph @{node.op.callee} to call",
                hint,
                "unknown-graph",
                graph=graph.name,
                node=node.name,
            )


def _call_cycles(module: Module) -> Iterator[Diagnostic]:
    ordered = {graph.name for graph in callees_first(module)}
    for name in (graph.name for graph in module.graphs if graph.name not in ordered):
        yield Diagnostic(
            f"@{name} calls itself, directly or through others",
            "calls cannot be recursive",
            "call-cycle",
            graph=name,
        )


def _size(module: Module) -> Iterator[Diagnostic]:
    calls = any(isinstance(node.op, CallBlock) for graph in module.graphs for node in graph.nodes)
    nodes = expanded_nodes(module) if calls else 0
    if nodes > MAX_NODES:
        message = f"@{module.entry} has {_short(nodes)} nodes once its calls are expanded"
        yield Diagnostic(message, f"expected at most {MAX_NODES:,}", "size", graph=module.entry)


def _short(number: int) -> str:
    return f"{number:,}" if number < 10**15 else "more than 10**15"
