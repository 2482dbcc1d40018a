"""Passes of torch.fx: cost, relevance, checks and blocks of nasc on any ``GraphModule``.

    from torch.fx.passes.infra.pass_manager import PassManager

    annotate = PassManager([CheckPass(x, max_params="1M"), CostPass(x), OutlinePass(x)])
    result = annotate(torch.fx.symbolic_trace(model))

Each pass takes the inputs that the module is called with, lowers the graph and brings what it finds back to the nodes:
``node.meta["nasc.cost"]``, ``["nasc.relevance"]``, ``["nasc.block"]``. A graph that nasc cannot lower, or that a check
refuses, raises NascError; its findings name the node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import fx
from torch.fx.passes.infra.pass_base import PassBase, PassResult
from torch.fx.passes.utils.fuser_utils import fuse_by_partitions

from ..ir import CallBlock
from ..passes import Check, Outline, cost, normalised
from ..passes.relevance import DIGITS, Score
from .steps import Traced, lower_graph

COST, RELEVANCE, BLOCK = "nasc.cost", "nasc.relevance", "nasc.block"


class CostPass(PassBase):
    """Note what each node costs: ``{"params", "macs", "activation_bytes"}`` of one sample, or of a fixed batch."""

    def __init__(self, *inputs: Any) -> None:
        """Keep the inputs that the graph is called with."""
        self.inputs = inputs

    def call(self, graph_module: fx.GraphModule) -> PassResult:
        """Return the module with notes. Raises NascError where it cannot be lowered."""
        traced = lower_graph(graph_module, self.inputs)
        owner = _owners(traced)
        totals: dict[str, dict[str, int]] = {}
        for row in cost(traced.module).nodes:
            total = totals.setdefault(owner.get(row.name, ""), {"params": 0, "macs": 0, "activation_bytes": 0})
            for figure in total:
                total[figure] += getattr(row, figure)
        return _noted(graph_module, COST, totals)


class RelevancePass(PassBase):
    """Note how much each node contributes to the predicted score: from -1 to 1, positive where it helps.

    ``score`` is a function of a flat module and sets of masked nodes, such as ``Predictor.load().score_masked``.
    """

    def __init__(self, score: Score, *inputs: Any) -> None:
        """Keep the scoring function and the inputs that the graph is called with."""
        self.score = score
        self.inputs = inputs

    def call(self, graph_module: fx.GraphModule) -> PassResult:
        """Return the module with notes. Raises NascError where it cannot be lowered."""
        traced = lower_graph(graph_module, self.inputs)
        parts = traced.parts()
        scores = self.score(traced.module, [frozenset[str](), *(frozenset(names) for names in parts.values())])
        values = normalised([scores[0] - score for score in scores[1:]])
        found = {name: round(value, DIGITS) for name, value in zip(parts, values, strict=True)}
        return _noted(graph_module, RELEVANCE, found)


class CheckPass(PassBase):
    """Hold the graph to what nasc checks: it lowers, its types fit, its size is within limits such as ``10M``."""

    def __init__(self, *inputs: Any, max_params: str | int | None = None, max_macs: str | int | None = None) -> None:
        """Keep the inputs that the graph is called with and the limits. Raises NascError where one is no number."""
        self.inputs = inputs
        self.check = Check(max_params=max_params, max_macs=max_macs)

    def call(self, graph_module: fx.GraphModule) -> PassResult:
        """Return the module as it is. Raises NascError with every finding."""
        self.check(lower_graph(graph_module, self.inputs).module)
        return PassResult(graph_module, False)


class OutlinePass(PassBase):
    """Note the block that each node of a repeated submodule belongs to, ``(block, path)``; with ``fuse``, call it.

    Submodules that are equal but for integers are one block. ``fuse`` makes of each place where a block runs one
    ``call_module`` node, whose GraphModule holds the nodes.
    """

    def __init__(self, *inputs: Any, fuse: bool = False, outline: Outline | None = None) -> None:
        """Keep the inputs that the graph is called with and the options."""
        self.inputs = inputs
        self.fuse = fuse
        self.outline = outline or Outline()

    def call(self, graph_module: fx.GraphModule) -> PassResult:
        """Return the module with notes, or fused. Raises NascError where it cannot be lowered."""
        traced = lower_graph(graph_module, self.inputs)
        blocks: dict[str, tuple[str, str]] = {}
        for node in self.outline(traced.module).main.nodes:
            if isinstance(node.op, CallBlock):
                inside = (name for path, name in traced.steps.items() if path.startswith(f"{node.path}."))
                blocks.update(dict.fromkeys(inside, (node.op.callee, node.path)))
        result = _noted(graph_module, BLOCK, blocks)
        return PassResult(_fused(graph_module, blocks), True) if self.fuse and blocks else result


def _owners(traced: Traced) -> dict[str, str]:
    return {value: name for name, values in traced.parts().items() for value in values}


def _noted(graph_module: fx.GraphModule, key: str, values: Mapping[str, object]) -> PassResult:
    """Return the module with a note at every node that there is a value for; older notes of the kind go."""
    changed = False
    for node in graph_module.graph.nodes:
        before = node.meta.pop(key, None)
        if node.name in values:
            node.meta[key] = values[node.name]
        changed |= node.meta.get(key) != before
    return PassResult(graph_module, changed)


def _fused(graph_module: fx.GraphModule, blocks: Mapping[str, tuple[str, str]]) -> fx.GraphModule:
    """Return the module with one call for the nodes of each place where a block runs."""
    groups: dict[tuple[str, str], dict[fx.Node, int | None]] = {}
    for node in graph_module.graph.nodes:
        if node.name in blocks and node.op.startswith("call_"):
            groups.setdefault(blocks[node.name], {})[node] = None
    fused = fuse_by_partitions(graph_module, list(groups.values()), prefix="nasc_block_")
    for index, place in enumerate(groups):
        for node in fused.graph.find_nodes(op="call_module", target=f"nasc_block_{index}"):
            node.meta[BLOCK] = place
    fused.recompile()
    return fused


__all__: Sequence[str] = ("BLOCK", "COST", "RELEVANCE", "CheckPass", "CostPass", "OutlinePass", "RelevancePass")
