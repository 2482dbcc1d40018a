"""Biases that stand behind their layer as a sum become the layer's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...ir import Graph, Node, arity, build, rename_values
from .tensors import Array


@dataclass(frozen=True)
class Joined:
    """A graph with fewer sums, and its weights."""

    graph: Graph
    arrays: Mapping[str, Array]


def join_biases(graph: Graph, arrays: Mapping[str, Array]) -> Joined:
    """Return a graph in which ``linear(x) + parameter`` and ``conv2d(x) + parameter[C,1,1]`` are one layer."""
    makers, users = graph.producers(), graph.users()
    changed: dict[str, Node | None] = {}
    numbers = dict(arrays)
    shrunk: dict[str, Node] = {}
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        found = _biased(node, graph, makers, users)
        if found is None or any(name in changed for name in node.operands):
            continue
        layer, bias = found
        key = str(bias.op.attributes()["key"])
        numbers[key] = numbers[key].reshape(-1)
        flat = bias.op.replace(shape=(numbers[key].size,))
        shrunk[bias.name] = replace(bias, op=flat, types=(bias.type.with_shape(numbers[key].size),))
        op = build(type(layer.op), {**layer.op.attributes(), "bias": True})
        changed[node.name] = replace(layer, op=op, operands=(*layer.operands, bias.name))
        changed[layer.name] = None
        renamed[node.name] = layer.name
    if not changed:
        return Joined(graph, arrays)
    early = list(shrunk.values())
    rest = [changed.get(node.name, node) for node in graph.nodes if node.name not in shrunk]
    nodes = rename_values([*early, *(node for node in rest if node is not None)], renamed)
    return Joined(graph.with_nodes(nodes, [renamed.get(name, name) for name in graph.outputs]), numbers)


def _biased(
    node: Node, graph: Graph, makers: Mapping[str, Node], users: Mapping[str, list[Node]]
) -> tuple[Node, Node] | None:
    """Return the layer and the parameter that a sum adds, where the parameter can be its bias."""
    if node.op.name != "add" or len(node.operands) != 2:
        return None
    for first, second in (node.operands, node.operands[::-1]):
        layer, bias = makers.get(first), makers.get(second)
        if layer is None or bias is None or bias.op.name != "parameter":
            continue
        alone = len(users[first]) == 1 and len(users[second]) == 1 and not {first, second} & set(graph.outputs)
        if alone and layer.type == node.type and _fits(layer, bias):
            return layer, bias
    return None


def _fits(layer: Node, bias: Node) -> bool:
    if layer.op.attributes().get("bias") is not False or len(layer.operands) != (arity(type(layer.op))[1] or 0) + 1:
        return False
    shape = bias.type.shape
    if layer.op.name == "linear":
        return shape == layer.type.shape[-1:] or shape == (1, *layer.type.shape[-1:])
    spatial = layer.type.rank - 2
    wanted = (layer.type.shape[1], *(1 for _ in range(spatial)))
    return layer.op.name.startswith("conv") and shape in (wanted, (1, *wanted))
