"""Local functions: blocks of the IR kept as functions of the ONNX file, one for each set of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir

from ...ir import CallBlock, Diagnostic, Dim, Graph, Input, Module, Node, TensorType, bind
from ...passes.inlining import join
from .graphs import GraphWriter
from .values import stored
from .writer import Value

DOMAIN = "nasc"


@dataclass(frozen=True)
class _Local:
    """A function and the weights that it takes after its operands: their keys and types, relative to a call."""

    function: onnx_ir.Function
    weights: tuple[tuple[str, TensorType], ...]


class Locals:
    """The functions of a model, made when they are first called."""

    def __init__(self, module: Module, opset: int, problems: list[Diagnostic]) -> None:
        self.module = module
        self.opset = opset
        self.problems = problems
        self.made: list[onnx_ir.Function] = []
        self._known: dict[tuple[str, tuple[tuple[str, Dim], ...]], _Local] = {}
        self._names: set[str] = set()

    def call(self, caller: GraphWriter, node: Node, op: CallBlock) -> Sequence[Value]:
        """Write a call of a block: a node of its own type, which takes the block's weights as operands."""
        block = self.module.graph(op.callee)
        sizes = bind(block, op, tuple(caller.types[name] for name in node.operands))
        local = self._local(block, sizes)
        writer = caller.writer
        operands = [writer.values[name] for name in node.operands]
        operands += [writer.weight(node, join(node.path, key), type) for key, type in local.weights]
        made = [Value(name=writer.fresh(name)) for name in node.results]
        function = local.function
        caller.nodes.append(onnx_ir.Node(DOMAIN, function.name, operands, outputs=made, name=made[0].name))
        for value in made:
            writer.taken.discard(value.name or "")
        return made

    def _local(self, block: Graph, sizes: dict[str, Dim]) -> _Local:
        known = (block.name, tuple(sorted(sizes.items())))
        if known not in self._known:
            self._known[known] = self._written(_with_sizes(block, sizes), block)
        return self._known[known]

    def _written(self, graph: Graph, block: Graph) -> _Local:
        weights: dict[str, Value] = {}
        types: dict[str, TensorType] = {}
        writer: GraphWriter

        def weight(node: Node, key: str, type: TensorType) -> Value:
            if node.op.attributes().get("data"):
                return writer.writer.constant(node.name, stored(node.op, key, type))
            if key not in weights:
                weights[key], types[key] = Value(name=writer.writer.fresh(key)), type
            return weights[key]

        writer = GraphWriter(graph, self.opset, weight, self, self.problems, set())
        inputs, outputs = writer.write()
        body = onnx_ir.Graph(
            [*inputs, *weights.values()],
            outputs,
            nodes=writer.nodes,
            opset_imports={"": self.opset, DOMAIN: 1},
            name=graph.name,
        )
        function = onnx_ir.Function(DOMAIN, self._name(block.name), graph=body, attributes=())
        self.made.append(function)
        return _Local(function, tuple(types.items()))

    def _name(self, name: str) -> str:
        count, candidate = 1, name
        while candidate in self._names:
            count, candidate = count + 1, f"{name}_{count + 1}"
        self._names.add(candidate)
        return candidate


def _with_sizes(block: Graph, sizes: dict[str, Dim]) -> Graph:
    """Return a block with its symbols replaced by what a call gives."""
    return replace(
        block,
        inputs=tuple(Input(value.name, value.type.substitute(sizes)) for value in block.inputs),
        nodes=tuple(
            replace(node, op=node.op.substitute(sizes), types=tuple(t.substitute(sizes) for t in node.types))
            for node in block.nodes
        ),
        output_types=tuple(type.substitute(sizes) for type in block.output_types),
        symbols=(),
    )
