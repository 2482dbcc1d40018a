"""Legalization: makes a module type again after an edit, by adapting what stands around the edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from ..ir import Diagnostic, Graph, Module, NascError, Node, checked, counted, infer, verify
from ..ir.inference import callees
from .canonical.sweep import live
from .legal.calls import call, check_instance, check_sizes, instances
from .legal.layers import attributes, follow_channels, weights_as_values
from .legal.operands import REPAIRS, restore
from .legal.projection import adapt, to_rank
from .legal.shapes import batch_first, check_state, even, indices, keep_batch, rank, sizes
from .legal.workspace import Workspace
from .outlined.region import in_order

Repair = Callable[[Workspace, Node], Node | None]
STRUCTURE = frozenset({"duplicate-graph", "duplicate-value", "undefined-value", "unknown-graph", "call-cycle", "cycle"})
ORDER: tuple[Repair, ...] = (
    call,
    attributes,
    weights_as_values,
    sizes,
    *REPAIRS,
    even,
    indices,
    rank,
    batch_first,
    restore,
)
KEEP_RANK = frozenset({"conv2d", "conv1d", "conv3d", "max_pool2d", "avg_pool2d", "max_pool1d", "avg_pool1d"})


@dataclass(frozen=True)
class Legalize:
    """Repair a module after an edit.

    Types are inferred anew in topological order. Where operands no longer fit, attributes that only follow
    their input are adapted (groups, depthwise channels, normalized_shape, sizes of a reshape), kernels are cut to
    what they slide over, and operands are projected: a 1x1 convolution, a linear layer, pooling. Nodes that are
    put in have layer paths of their own (``adapt_1``) and the note ``origin="legalize"``; repaired ones say in
    the note ``repair`` what changed. Inputs and output types of every graph stay as they are stated, so callers
    of a block are not touched. ``before``, the module as it was, tells what a value was like where the edit has
    dropped the types.
    """

    name: ClassVar[str] = "legalize"
    before: Module | None = None

    def __call__(self, module: Module) -> Module:
        """Return a module that checks, itself where it does. Raises NascError for what cannot be repaired."""
        module = _ordered(module)
        broken = [d for d in verify(module) if d.code in STRUCTURE]
        if broken:
            raise NascError(*broken)
        done: dict[str, Graph] = {}
        problems: list[Diagnostic] = []
        places = instances(infer(self.before or module).module)
        for graph in _callees_first(module):
            known = places.get(graph.name, []) if graph.name != module.entry else []
            work = Workspace(graph, done, self._before(graph.name), known)
            done[graph.name] = _Repairer(work, problems).graph()
        if problems:
            raise NascError(*problems)
        graphs = tuple(done.get(graph.name, graph) for graph in module.graphs)
        same = all(new is old for new, old in zip(graphs, module.graphs, strict=True))
        return checked(module if same else replace(module, graphs=graphs))

    def _before(self, name: str) -> Graph | None:
        if self.before is None:
            return None
        typed = infer(self.before).module
        return typed.graph(name) if typed.has(name) else None


class _Repairer:
    """Places the nodes of one graph, each repaired until it types."""

    def __init__(self, work: Workspace, problems: list[Diagnostic]) -> None:
        self.original = work.graph
        self.problems = problems
        self.work = work
        work.failed = {problem.graph for problem in problems}

    def graph(self) -> Graph:
        """Return the repaired graph, itself where it was right."""
        graph, work = self.original, self.work
        for node in live(graph.nodes, graph.outputs):
            work.current = node
            if not self._place(node):
                return graph
        work.current = None
        outputs = self._outputs()
        nodes = live(work.nodes, outputs)
        types = tuple(work.types[name] for name in outputs)
        same = len(nodes) == len(graph.nodes) and all(a is b for a, b in zip(nodes, graph.nodes, strict=True))
        if same and outputs == graph.outputs and types == graph.output_types:
            return graph
        return replace(graph, nodes=tuple(nodes), outputs=outputs, output_types=types)

    def _place(self, original: Node) -> bool:
        """Place a node, repaired where needed; False, with the reason kept, where that is not possible."""
        work = self.work
        operands = tuple(work.alias.get(name, name) for name in original.operands)
        node = original if operands == original.operands else replace(original, operands=operands)
        node = keep_batch(work, follow_channels(work, node))
        for _ in range(8):
            try:
                types = work.infer(node.op, node.operands)
                if len(types) != len(node.results):
                    raise NascError.of(
                        f"{node.op.name} makes {counted(len(types), 'result')}", f"not {len(node.results)}"
                    )
                check_state(work, node)
                if node is not original or types != original.types:
                    check_sizes(work, node)
                check_instance(work, node)
            except (NascError, ZeroDivisionError) as error:
                found = self._repaired(node)
                if found is None:
                    self._give_up(original, error)
                    return False
                node = found
                continue
            work.put(node, types)
            self._restore_rank(original, node)
            return True
        self._give_up(original, NascError.of(f"{original.op.name} does not fit its operands"))
        return False

    def _repaired(self, node: Node) -> Node | None:
        for repair in ORDER:
            version = self.work.version
            try:
                new = repair(self.work, node)
            except (NascError, ZeroDivisionError):
                continue
            if new is not None and (new != node or self.work.version != version):
                return new
        return None

    def _restore_rank(self, original: Node, placed: Node) -> None:
        """Bring the result of a layer whose operand had the wrong rank back to that rank."""
        work = self.work
        if original.op.name not in KEEP_RANK:
            return
        source = work.alias.get(original.operands[0], original.operands[0])
        before = work.type(source)
        if placed.operands[0] == source or before.rank == work.type(placed.name).rank:
            return
        usual = before.rank in (2, 3)
        back = to_rank(work, placed.name, before.rank) if usual else adapt(work, placed.name, before)
        work.alias[placed.name] = back

    def _outputs(self) -> tuple[str, ...]:
        work, graph = self.work, self.original
        outputs = tuple(work.alias.get(name, name) for name in graph.outputs)
        if len(graph.output_types) != len(outputs):
            return outputs
        adapted: list[str] = []
        for value, want in zip(outputs, graph.output_types, strict=True):
            try:
                adapted.append(adapt(work, value, want))
            except NascError as error:
                self.problems += [replace(d, graph=graph.name, node=value) for d in error.diagnostics]
                adapted.append(value)
        return tuple(adapted)

    def _give_up(self, node: Node, error: Exception) -> None:
        zero = Diagnostic("a size is divided by zero", "expected sizes >= 1")
        found = error.diagnostics if isinstance(error, NascError) else (zero,)
        self.problems += [
            replace(d, graph=self.original.name, node=node.name, path=node.path, source=node.loc) for d in found
        ]


def _ordered(module: Module) -> Module:
    """Return the module with nodes in topological order where that takes no more than moving them."""
    for graph in module.graphs:
        seen = {value.name for value in graph.inputs}
        late = False
        for node in graph.nodes:
            late = late or not seen.issuperset(node.operands)
            seen.update(node.results)
        if late:
            nodes = in_order(list(enumerate(graph.nodes)))
            if len(nodes) == len(graph.nodes):
                module = module.with_graph(graph.with_nodes(nodes))
    return module


def _callees_first(module: Module) -> list[Graph]:
    order: list[Graph] = []

    def visit(graph: Graph) -> None:
        for name in callees(graph):
            visit(module.graph(name))
        if graph not in order:
            order.append(graph)

    visit(module.main)
    return order
