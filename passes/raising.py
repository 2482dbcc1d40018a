"""Raising: layers that are written out as arithmetic become the layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import Module, checked
from .canonical.sweep import Rule, sweep
from .raised import activations, attention, norms, parts


def _all_rules() -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, tuple[Rule, ...]] = {}
    for family in (activations, parts, norms, attention):
        for op, some in family.RULES.items():
            rules[op] = (*rules.get(op, ()), *some)
    return rules


RULES = _all_rules()


@dataclass(frozen=True)
class Raise:
    """Find activations, norms and attention that are written out as arithmetic.

    GELU by erf and by tanh, SiLU, Mish, hard sigmoid and hard swish; layer norm and RMS norm with their weights;
    scaled dot product attention with its mask. Exported files and hand-written layers come to the same network.
    Numbers may differ in the last digits.
    """

    name: ClassVar[str] = "raise"

    def __call__(self, module: Module) -> Module:
        """Return the module with what was found. Raises NascError where it does not check."""
        module = checked(module)
        graphs = tuple(parts.unbound(sweep(graph, RULES, evaluation=False)) for graph in module.graphs)
        same = all(a is b for a, b in zip(graphs, module.graphs, strict=True))
        return module if same else replace(module, graphs=graphs)
