"""Graphviz: a module as a picture, a box a node and a frame a block of the source model."""

from __future__ import annotations

from ..ir import CallBlock, Graph, Module, Node, checked, show

MAX_LABEL = 60


def emit_dot(module: Module) -> str:
    """Return the module in the DOT language: a cluster for each graph and submodule of the source model.

    Raises NascError where the module is wrong. Labels are quoted, so no name can break out of them.
    """
    whole = checked(module)
    lines = [f"digraph {quote(whole.entry)} {{", "  rankdir=TB;", '  node [shape=box, fontname="Helvetica"];']
    for number, graph in enumerate(whole.graphs):
        lines += _graph(graph, number)
    return "\n".join([*lines, "}"]) + "\n"


def quote(text: str) -> str:
    """Return text as a quoted DOT identifier on one line; characters that are not printable are left out."""
    shown = "".join(c for c in " ".join(text.split()) if c.isprintable())
    shown = shown if len(shown) <= MAX_LABEL * 4 else f"{shown[: MAX_LABEL * 4]}..."
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _graph(graph: Graph, number: int) -> list[str]:
    ids = {value.name: f"g{number}i{i}" for i, value in enumerate(graph.inputs)}
    for i, node in enumerate(graph.nodes):
        ids.update(dict.fromkeys(node.results, f"g{number}n{i}"))
    lines = [f"  subgraph cluster_g{number} {{", f"    label={quote('@' + graph.name)};"]
    for value in graph.inputs:
        label = quote(f"%{value.name} : {value.type}")
        lines.append(f"    {ids[value.name]} [label={label}, shape=ellipse];")
    lines += _nested(graph, ids, number)
    lines.append(f'    g{number}out [label="return", shape=ellipse];')
    types = graph.value_types()
    for node in graph.nodes:
        for operand in node.operands:
            label = quote(",".join(map(str, types[operand].shape)))
            lines.append(f"    {ids[operand]} -> {ids[node.name]} [label={label}];")
    lines += [f"    {ids[output]} -> g{number}out;" for output in graph.outputs]
    return [*lines, "  }"]


def _nested(graph: Graph, ids: dict[str, str], number: int) -> list[str]:
    """Return the boxes, framed by the first two levels of their paths; a frame may open more than once."""
    groups: dict[tuple[str, ...], list[Node]] = {}
    for node in graph.nodes:
        groups.setdefault(tuple(node.path.split(".")[:-1][:2]), []).append(node)
    lines: list[str] = []
    for frame, nodes in groups.items():
        for depth, name in enumerate(frame):
            path = ".".join(frame[: depth + 1])
            cls = graph.scopes.get(path, "")
            cluster = quote(f"cluster_g{number}.{path}")
            lines.append(f"    subgraph {cluster} {{ label={quote(f'{name} {cls}'.strip())};")
        lines += [f"    {ids[node.name]} [label={_label(node)}];" for node in nodes]
        lines += ["    }"] * len(frame)
    return lines


def _label(node: Node) -> str:
    if isinstance(node.op, CallBlock):
        text = f"call @{node.op.callee} {', '.join(f'{k}={v}' for k, v in node.op.arguments)}"
    else:
        stated = {k: v for k, v in node.op.stated().items() if k not in ("data", "key")}
        text = f"{node.op.name} {', '.join(f'{k}={show(v)}' for k, v in stated.items())}"
    text = text.strip()
    text = text if len(text) <= MAX_LABEL else f"{text[:MAX_LABEL]}..."
    return quote(f"{text} | {node.path}" if node.path else text)
