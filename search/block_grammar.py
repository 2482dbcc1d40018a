"""Rules for whole blocks in the edit grammar: the header is given, the nodes are free."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import OPS, Graph, attributes_of
from .lark_text import literal
from .op_changes import UNWRITTEN

_VALUE = "VALUE: /true|false|[a-z]+|-?[0-9]+(\\.[0-9]+)?|[A-Z][A-Z0-9]*(\\*[0-9]+)?|\\[[0-9, ]{1,40}\\]/"


def block_rules(blocks: Sequence[Graph], allowed: frozenset[str]) -> list[str]:
    """Return the rule ``block``: one of these graphs with a new body of ops that are ``allowed``."""
    lines = [f"block: {' | '.join(f'block{i}' for i in range(len(blocks)))}"]
    for i, graph in enumerate(blocks):
        lines.append(f'block{i}: {literal(header(graph))} node~1..60 "  return %" NAME (", %" NAME)* "\\n}}\\n"')
    ops = [name for name in OPS if name in allowed and name not in UNWRITTEN]
    lines += [
        'node: "  %" NAME " = " application "\\n"',
        f"application: {' | '.join(map(_application, ops))}",
    ]
    lines += ['operands: " %" NAME (", %" NAME)*', "NAME: /[a-z_][A-Za-z0-9_.]{0,60}/", _VALUE]
    return lines


def header(graph: Graph) -> str:
    """Return the first line of a graph's text, up to its brace, with the result types."""
    symbols = f"<{', '.join(graph.symbols)}>" if graph.symbols else ""
    inputs = ", ".join(f"%{value.name}: {value.type}" for value in graph.inputs)
    outputs = ", ".join(map(str, graph.output_types))
    result = f"({outputs})" if len(graph.output_types) > 1 else outputs
    return f"graph @{graph.name}{symbols}({inputs}) -> {result} {{\n"


def _application(op: str) -> str:
    names = [f'"{name}="' for name in attributes_of(OPS[op])]
    if not names:
        return f'"{op}" operands'
    one = f"({' | '.join(names)}) VALUE"
    return f'"{op}" operands (" {{" {one} (", " {one})* "}}")?'
