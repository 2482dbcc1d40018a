"""Modules to text: one node a line, names from the source, defaults left out, locations in a table below."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

from ..ir import (
    Attribute,
    CallBlock,
    Dim,
    DType,
    Graph,
    Loc,
    Module,
    Node,
    Notes,
    NoteValue,
    Op,
    Types,
    attributes_of,
    quote,
)

VERSION = 1
_WORD = re.compile(r"[^\W\d]\w*")
_NAME = re.compile(r"[^\W\d][\w.]*")
_PATH = re.compile(r"[\w.\-]+")
_LITERALS = ("true", "false", "none", "inf", "nan")


def print_module(
    module: Module,
    *,
    types: bool = True,
    locations: bool = True,
    notes: bool = True,
    longest: int | None = None,
) -> str:
    """Return the text form, the entry graph first; ``parse`` gives an equal module back.

    For readers that need less (LLM prompts): ``types``, ``locations`` (with the classes of submodules) and
    ``notes`` can be left out, and strings of more than ``longest`` characters cut.
    """
    parts = [f"nasc {VERSION}{_notes(module.notes) if notes else ''}\n"]
    entry = [graph for graph in module.graphs if graph.name == module.entry]
    for graph in (*entry, *(graph for graph in module.graphs if graph.name != module.entry)):
        text = print_graph(graph, types=types, locations=locations, notes=notes, longest=longest)
        parts.append(f"\n{text}\n")
    return "".join(parts)


def print_graph(
    graph: Graph,
    *,
    types: bool = True,
    locations: bool = True,
    notes: bool = True,
    longest: int | None = None,
) -> str:
    """Return the text form of one graph and its table of locations."""
    symbols = f"<{', '.join(graph.symbols)}>" if graph.symbols else ""
    inputs = ", ".join(f"{_value(value.name)}: {value.type}" for value in graph.inputs)
    results = f" -> {_types(graph.output_types)}" if graph.output_types else ""
    lines = [f"graph {_sigil('@', graph.name, _NAME)}{symbols}({inputs}){results} {{"]
    lines += [f"  {print_node(node, types=types, notes=notes, longest=longest)}" for node in graph.nodes]
    if graph.outputs:
        lines.append(f"  return {', '.join(map(_value, graph.outputs))}")
    lines.append("}")
    table = list(_table(graph)) if locations else []
    return "\n".join([*lines, "", *table] if table else lines)


def print_node(node: Node, *, types: bool = True, notes: bool = True, longest: int | None = None) -> str:
    """Return the text form of one node, without its location."""
    op = f"call {_sigil('@', node.op.callee, _NAME)}" if isinstance(node.op, CallBlock) else node.op.name
    text = f"{', '.join(map(_value, node.results))} = {op}"
    if node.operands:
        text += f" {', '.join(map(_value, node.operands))}"
    attributes = print_attributes(node.op, longest=longest)
    if attributes:
        text += f" {{{attributes}}}"
    if node.types and types:
        text += f" : {_types(node.types)}"
    if node.path:
        text += f" {_sigil('#', node.path, _PATH)}"
    return text + _notes(node.notes) if notes else text


def print_attributes(op: Op, *, longest: int | None = None) -> str:
    """Return the attributes that differ from their defaults, ``kernel_size=3, bias=false``."""
    if isinstance(op, CallBlock):
        return ", ".join(f"{name}={value}" for name, value in op.arguments)
    kinds = attributes_of(type(op))
    return ", ".join(f"{name}={print_value(value, kinds[name], longest)}" for name, value in op.stated().items())


def print_value(value: object, kind: Attribute, longest: int | None = None) -> str:
    """Return an attribute's value; a list of fixed length with equal entries as one number."""
    if isinstance(value, tuple):
        items: tuple[Dim, ...] = value
        if kind.length and len(set(items)) == 1:
            return str(items[0])
        return f"[{', '.join(map(str, items))}]"
    if isinstance(value, str):
        if kind.kind == "word" and _WORD.fullmatch(value) and (value not in _LITERALS or value == "none"):
            return value
        return quote(value if longest is None or len(value) <= longest else f"{value[:longest]}...")
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, DType):
        return value.value
    return repr(value) if isinstance(value, float) else str(value)


def _notes(notes: Notes) -> str:
    if not notes:
        return ""
    return f" @{{{', '.join(f'{_key(key)}={_note(value)}' for key, value in notes.items())}}}"


def _note(value: NoteValue) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float) and not math.isnan(value):
        return f"{value!r}" if math.copysign(1, value) < 0 else f"+{value!r}"
    return _scalar(value)


def _key(key: str) -> str:
    return key if _WORD.fullmatch(key) else quote(key)


def _types(types: Types) -> str:
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


def _table(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.loc is not None:
            yield f"{_value(node.name)} = {_place(node.loc)}"
    for path, cls in graph.scopes.items():
        yield f"{_sigil('#', path, _PATH)} : {cls if _NAME.fullmatch(cls) else quote(cls)}"


def _place(loc: Loc) -> str:
    numbers = (loc.line, loc.column) if loc.column else (loc.line,) if loc.line else ()
    return ":".join((quote(loc.file), *map(str, numbers)))


@cache
def _value(name: str) -> str:
    return _sigil("%", name, _NAME)


def _sigil(sigil: str, name: str, plain: re.Pattern[str]) -> str:
    return f"{sigil}{name if plain.fullmatch(name) else quote(name)}"
