"""Names for what edits add: values, and layer paths that no weight of the model has yet."""

from __future__ import annotations

from ..ir import CallBlock, Graph, Node, arity, f32


def fresh_value(graph: Graph, stem: str) -> str:
    """Return a value name that the graph does not use: ``gelu``, ``gelu_1``."""
    taken = set(graph.value_names())
    name, count = stem, 0
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name


def scope_of(graph: Graph, value: str) -> str:
    """Return the path of the submodule whose forward makes a value; empty for the model and its inputs."""
    node = graph.producers().get(value)
    if node is None:
        return ""
    inside = f"{node.path}."
    if node.path and not owns_state(node) and any(n.path.startswith(inside) for n in graph.nodes):
        return node.path
    return node.path.rpartition(".")[0]


def owns_state(node: Node) -> bool:
    """Return whether a node has weights under its own path; a call has those of its block."""
    if isinstance(node.op, CallBlock):
        return True
    most = arity(type(node.op))[1]
    if not node.operands or (most is not None and len(node.operands) > most):
        return False
    return bool(node.op.state((f32(1, 1, 1, 1),) * len(node.operands)))


def fresh_path(graph: Graph, scope: str, leaf: str) -> str:
    """Return a path inside a scope that no layer has: ``layer1.conv2d_1``, or ``layer1.2``."""
    taken = _taken(graph)
    prefix = f"{scope}." if scope else ""
    if leaf.isdecimal():
        numbers = [path[len(prefix) :].split(".")[0] for path in taken if path.startswith(prefix)]
        return f"{prefix}{1 + max((int(n) for n in numbers if n.isdecimal()), default=int(leaf))}"
    name, count = f"{prefix}{leaf}", 0
    while name in taken:
        count += 1
        name = f"{prefix}{leaf}_{count}"
    return name


def _taken(graph: Graph) -> set[str]:
    """Return all paths of layers, their submodules and the keys of free weights."""
    paths = {node.path for node in graph.nodes} | set(graph.scopes)
    paths |= {str(getattr(node.op, "key", "")) for node in graph.nodes}
    for path in list(paths):
        parts = path.split(".")
        paths |= {".".join(parts[:count]) for count in range(1, len(parts))}
    return paths
