"""Graphs: the nodes of one graph of the IR as ONNX nodes that carry where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import onnx_ir

from ...ir import CallBlock, Diagnostic, Graph, NascError, Node, TensorType, arity
from ...passes.inlining import join
from .ops import write
from .values import typed
from .writer import Site, Value, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence


WEIGHTS = ("parameter", "constant")
"""Ops that are tensors of the model; those that nothing reads are left out, as runtimes warn of them."""


class Blocks(Protocol):
    """What writes the calls of blocks."""

    def call(self, caller: GraphWriter, node: Node, op: CallBlock) -> Sequence[Value]:
        """Write a call and return its results."""
        ...


class GraphWriter:
    """Writes one graph; its problems are collected, so that all are reported at once."""

    def __init__(
        self,
        graph: Graph,
        opset: int,
        weight: Callable[[Node, str, TensorType], Value],
        blocks: Blocks,
        problems: list[Diagnostic],
        taken: set[str],
    ) -> None:
        self.graph = graph
        self.writer = Writer(graph, opset, weight, taken)
        self.types = graph.value_types()
        self.blocks = blocks
        self.problems = problems
        self.returned: set[Value] = set()

    @property
    def nodes(self) -> list[onnx_ir.Node]:
        """The nodes written so far."""
        return self.writer.nodes

    def write(self) -> tuple[list[Value], list[Value]]:
        """Write all nodes; return the inputs and the outputs."""
        values = self.writer.values
        inputs = [typed(Value(name=self.writer.fresh(i.name)), i.type) for i in self.graph.inputs]
        values.update((i.name, value) for i, value in zip(self.graph.inputs, inputs, strict=True))
        read = {*self.graph.outputs, *(name for node in self.graph.nodes for name in node.operands)}
        for node in self.graph.nodes:
            if node.op.name in WEIGHTS and node.name not in read:
                continue
            before = len(self.nodes)
            try:
                results = self._node(node)
            except NascError as error:
                self.problems += [_placed(found, self.graph, node) for found in error.diagnostics]
                results = [Value(name=self.writer.fresh(result)) for result in node.results]
            self._name(node, before, results)
        return inputs, [self._output(name, values[name]) for name in self.graph.outputs]

    def _node(self, node: Node) -> Sequence[Value]:
        operands = tuple(self.writer.values[name] for name in node.operands)
        if isinstance(node.op, CallBlock):
            return self.blocks.call(self, node, node.op)
        types = tuple(self.types[name] for name in node.operands)
        most = arity(type(node.op))[1]
        count = len(operands) if most is None else min(most, len(operands))
        weights: dict[str, Value] = {}
        if node.op.name not in WEIGHTS:
            slots = [slot for slot in node.op.state(types[:count]) if slot.name != "num_batches_tracked"]
            given = operands[count:]
            weights = {slot.name: value for slot, value in zip(slots, given, strict=False)}
            if not given:
                weights = {s.name: self.writer.weight(node, join(node.path, s.name), s.type) for s in slots}
        return write(Site(node, operands[:count], types[:count], weights, self.writer))

    def _name(self, node: Node, before: int, results: Sequence[Value]) -> None:
        """Name the results as in the IR, and give all nodes written for this one what is known of it."""
        written = self.nodes[before:]
        for name, value, type in zip(node.results, results, node.types, strict=True):
            if value.producer() not in written and value.name in self.writer.taken:
                kept = node.op.name in WEIGHTS
                value = value if kept else self.writer.add(node.name, "Identity", [value])[0]
            producer = value.producer()
            if producer is not None and producer in self.nodes[before:]:
                value.name = self.writer.fresh(name)
                producer.name = value.name if producer.name is None or "/" in producer.name else producer.name
                typed(value, type)
            self.writer.values[name] = value
        known = _metadata(node)
        for made in self.nodes[before:]:
            made.metadata_props.update(known)

    def _output(self, name: str, value: Value) -> Value:
        """Return a value that the graph may return: one that a node makes, and that it returns once."""
        if value.producer() is None or value in self.returned:
            value = typed(self.writer.add(name, "Identity", [value])[0], self.types[name])
        self.returned.add(value)
        return value


def _metadata(node: Node) -> dict[str, str]:
    """Return what viewers show of a node."""
    known = {"nasc.path": node.path, **{f"nasc.{key}": str(value) for key, value in node.notes.items()}}
    if node.loc is not None:
        known["nasc.loc"] = str(node.loc)
    return known


def _placed(found: Diagnostic, graph: Graph, node: Node) -> Diagnostic:
    return replace(found, graph=graph.name, node=node.name, path=node.path, source=node.loc)
