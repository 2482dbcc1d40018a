"""Variants of a network that show what a proxy looks at: without its norms, or with inner values as outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...ir import Graph, Module, infer

NORMS = frozenset({"batch_norm", "group_norm", "layer_norm", "instance_norm", "rms_norm"})
_POOLS = ("adaptive_avg_pool", "adaptive_max_pool", "mean")


def without_norms(module: Module) -> Module:
    """Return a network whose normalisations pass their operand on."""
    return replace(module, graphs=tuple(_passed_on(graph) for graph in module.graphs))


def _passed_on(graph: Graph) -> Graph:
    names: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        operands = tuple(names.get(name, name) for name in node.operands)
        if node.op.name in NORMS:
            names[node.name] = operands[0]
        else:
            kept.append(replace(node, operands=operands))
    return graph.with_nodes(kept, (names.get(name, name) for name in graph.outputs))


def with_outputs(module: Module, values: Sequence[str]) -> Module:
    """Return a network whose outputs are these values of its entry graph."""
    main = infer(module).module.main
    types = main.value_types()
    shown = replace(main.with_nodes(main.nodes, values), output_types=tuple(types[name] for name in values))
    return module.with_graph(shown)


def last_map(module: Module) -> str:
    """Return the value that the last pooling over places reads; without one the last with places, or the output."""
    main = infer(module).module.main
    types = main.value_types()
    for node in reversed(main.nodes):
        if node.op.name.startswith(_POOLS) and node.operands and types[node.operands[0]].rank > 2:
            return node.operands[0]
    maps = [node.name for node in main.nodes if types[node.name].rank > 2]
    return maps[-1] if maps else main.outputs[0]


def features(module: Module) -> list[str]:
    """Return the values of the entry graph that blocks hand on, in order: all that is computed goes through them.

    Results of calls where there are at least two; else of activations and sums. Only values with places and
    channels that nothing passes by count.
    """
    main = infer(module).module.main
    types = main.value_types()
    cuts = [name for name in _cuts(main) if types[name].rank > 2]
    made = main.producers()
    calls = [name for name in cuts if made[name].op.name == "call"]
    if len(calls) > 1:
        first = [name for name in cuts[: cuts.index(calls[0])] if made[name].op.name != "call"]
        return [*first[-1:], *calls]
    ends = [name for name in cuts if made[name].op.name in ("add", "relu", "gelu", "silu", "batch_norm")]
    return ends if len(ends) > 1 else cuts


def _cuts(graph: Graph) -> list[str]:
    """Return the values that every path from the input to the output goes through, in order."""
    last: dict[str, int] = {name: len(graph.nodes) for name in graph.outputs}
    for place, node in reversed(list(enumerate(graph.nodes))):
        for name in node.operands:
            last.setdefault(name, place)
    after = {value.name for value in graph.inputs}
    open_until = max((last.get(value.name, -1) for value in graph.inputs), default=-1)
    cuts: list[str] = []
    for place, node in enumerate(graph.nodes):
        if after.isdisjoint(node.operands):
            continue
        after.update(node.results)
        if open_until <= place and len(node.results) == 1 and node.name in last:
            cuts.append(node.name)
        open_until = max([open_until, *(last.get(name, -1) for name in node.results)])
    return cuts
