"""Canonicalization: one spelling for each computation, and nothing that does nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import Graph, Module, callees, checked
from .canonical import arithmetic_rules, pooling_rules, shape_rules
from .canonical.sweep import Rule, sweep
from .raised import attention


def _all_rules() -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, tuple[Rule, ...]] = {}
    for family in (arithmetic_rules, shape_rules, pooling_rules, attention):
        for op, some in family.RULES.items():
            rules[op] = (*rules.get(op, ()), *some)
    return rules


RULES = _all_rules()


@dataclass(frozen=True)
class Canonicalize:
    """Bring every graph to canonical form; ``train`` keeps what counts in training only: dropout, momentum.

    Layers keep their paths, so weights keep their keys. Nodes and blocks that do not reach the output go.
    """

    name: ClassVar[str] = "canonicalize"
    train: bool = False

    def __call__(self, module: Module) -> Module:
        """Return the canonical module, itself where it is one. Raises NascError where it does not check."""
        module = checked(module)
        graphs = tuple(sweep(graph, RULES, evaluation=not self.train) for graph in reachable(module))
        same = len(graphs) == len(module.graphs) and all(a is b for a, b in zip(graphs, module.graphs, strict=True))
        return module if same else replace(module, graphs=graphs)


def reachable(module: Module) -> list[Graph]:
    """Return the graphs that the entry calls, directly or not, and itself, in the module's order."""
    wanted = {module.entry}
    waiting = [module.entry]
    while waiting:
        for name in callees(module.graph(waiting.pop())):
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    return [graph for graph in module.graphs if graph.name in wanted]
