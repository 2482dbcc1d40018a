"""Random single edits of a module, as a person or an LLM might make them, without regard for what fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from nasc.ir import OPS, Graph, Module, Node, build

INSERTED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("relu", {}),
    ("gelu", {}),
    ("dropout", {}),
    ("batch_norm", {}),
    ("conv2d", {"out_channels": 24, "kernel_size": 3, "padding": 1}),
    ("conv2d", {"out_channels": 30, "kernel_size": 5, "stride": 2}),
    ("conv2d", {"out_channels": 64, "kernel_size": 1, "groups": 4}),
    ("linear", {"out_features": 40}),
    ("layer_norm", {"normalized_shape": 48}),
    ("group_norm", {"num_groups": 6}),
    ("max_pool2d", {"kernel_size": 2}),
    ("avg_pool2d", {"kernel_size": 3, "stride": 1, "padding": 1}),
    ("adaptive_avg_pool2d", {"output_size": 1}),
    ("flatten", {"start_dim": 1}),
    ("softmax", {}),
    ("mul", {"other": 2}),
    ("glu", {"dim": 1}),
    ("pixel_shuffle", {"upscale_factor": 2}),
)
CHANGES: dict[str, Callable[[Random, Any], object]] = {
    "out_channels": lambda r, v: (
        r.choice([8, 12, 30, 96]) if not isinstance(v, int) else r.choice([v * 2, v // 2 or 1, v + 8, 5])
    ),
    "out_features": lambda r, v: r.choice([v * 2, v + 8, 7, v * 3]),
    "kernel_size": lambda r, v: (r.choice([1, 2, 3, 5, 7, 9]),),
    "stride": lambda r, v: (r.choice([1, 2, 3, 4]),),
    "padding": lambda r, v: (r.choice([0, 1, 2, 3]),),
    "dilation": lambda r, v: (r.choice([1, 2, 3]),),
    "groups": lambda r, v: r.choice([2, 3, 4, 8]),
    "normalized_shape": lambda r, v: (r.choice([8, 48, 64]),),
    "output_size": lambda r, v: (r.choice([1, 2, 7]),),
    "shape": lambda r, v: tuple(r.sample(v, len(v))),
    "sizes": lambda r, v: (*v[:-1], v[-1] + 1),
    "dim": lambda r, v: r.choice([0, 1, 2, -1]) if isinstance(v, int) else v,
    "start_dim": lambda r, v: r.choice([0, 1, 2]),
    "dims": lambda r, v: tuple(r.sample(v, len(v))),
}


def random_edit(module: Module, seed: int) -> tuple[str, Module]:
    """Return a module with one edit at a random place, and what was done."""
    r = Random(seed)
    while True:
        graph = r.choice(module.graphs)
        kind = r.choice([_attribute, _delete, _insert, _skip, _replace])
        found = kind(graph, r)
        if found is not None:
            text, edited = found
            return f"@{graph.name}: {text}", module.with_graph(edited)


def untyped(module: Module, before: Module) -> Module:
    """Return a module without the types of nodes that are new or changed, and of what depends on them."""
    for graph in module.graphs:
        known = before.graph(graph.name).producers()
        stale: set[str] = set()
        nodes: list[Node] = []
        for node in graph.nodes:
            old = known.get(node.name)
            touched = old is None or old.op != node.op or old.operands != node.operands
            if touched or stale.intersection(node.operands):
                stale.update(node.results)
                node = replace(node, types=())
            nodes.append(node)
        module = module.with_graph(graph.with_nodes(nodes))
    return module


def _attribute(graph: Graph, r: Random) -> tuple[str, Graph] | None:
    node = r.choice(graph.nodes)
    names = [name for name in node.op.attributes() if name in CHANGES and getattr(node.op, name) is not None]
    if not names or node.op.name in ("parameter", "constant"):
        return None
    name = r.choice(names)
    op = node.op.replace(**{name: CHANGES[name](r, getattr(node.op, name))})
    return f"set %{node.name} {name}={getattr(op, name)}", _put(graph, node, replace(node, op=op))


def _delete(graph: Graph, r: Random) -> tuple[str, Graph] | None:
    node = r.choice(graph.nodes)
    if not node.operands or len(node.results) != 1:
        return None
    nodes = [_reading(other, node.name, node.operands[0]) for other in graph.nodes if other is not node]
    outputs = [node.operands[0] if name == node.name else name for name in graph.outputs]
    return f"delete %{node.name} ({node.op.name})", graph.with_nodes(nodes, outputs)


def _insert(graph: Graph, r: Random) -> tuple[str, Graph] | None:
    name, attributes = r.choice(INSERTED)
    return _after(graph, r.choice(graph.nodes), name, attributes)


def _after(graph: Graph, node: Node, name: str, attributes: dict[str, Any], *others: str) -> tuple[str, Graph]:
    new = Node(build(OPS[name], attributes), (node.name, *others), ("inserted",), (), "inserted")
    place = graph.nodes.index(node) + 1
    later = [_reading(other, node.name, "inserted") for other in graph.nodes[place:]]
    outputs = ["inserted" if value == node.name else value for value in graph.outputs]
    text = f"after %{node.name} insert {name} {attributes} {others}"
    return text, graph.with_nodes([*graph.nodes[:place], new, *later], outputs)


def _skip(graph: Graph, r: Random) -> tuple[str, Graph] | None:
    place = r.randrange(len(graph.nodes))
    earlier = [value for node in graph.nodes[:place] for value in node.results] or [graph.inputs[0].name]
    return _after(graph, graph.nodes[place], "add", {}, r.choice(earlier))


def _replace(graph: Graph, r: Random) -> tuple[str, Graph] | None:
    node = r.choice(graph.nodes)
    name, attributes = r.choice(INSERTED)
    if len(node.results) != 1 or not node.operands:
        return None
    new = replace(node, op=build(OPS[name], attributes), operands=node.operands[:1], path=f"{node.path}.new")
    return f"replace %{node.name} ({node.op.name}) with {name} {attributes}", _put(graph, node, new)


def _put(graph: Graph, old: Node, new: Node) -> Graph:
    return graph.with_nodes([new if node is old else node for node in graph.nodes])


def _reading(node: Node, old: str, new: str) -> Node:
    return replace(node, operands=tuple(new if name == old else name for name in node.operands))
