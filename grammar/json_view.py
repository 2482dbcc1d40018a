"""The JSON view of a module: plain data with a version; reading it back checks everything."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, cast

from ..ir import (
    OPS,
    Attribute,
    CallBlock,
    Diagnostic,
    Dim,
    DType,
    Expr,
    Graph,
    Input,
    Loc,
    Module,
    NascError,
    Node,
    Notes,
    NoteValue,
    Op,
    TensorType,
    attributes_of,
    build,
    did_you_mean,
)
from ..ir.calls import MAX_NODES
from ..ir.graph import NO_NOTES
from .parser import parse_dim, parse_type
from .printer import VERSION
from .syntax import MAX_INTEGER

T = TypeVar("T")
_FAULTY = CallBlock(callee="")
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_MODULE = ("nasc", "entry", "notes", "graphs")
_GRAPH = ("name", "symbols", "inputs", "output_types", "nodes", "outputs", "scopes")
_NODE = ("op", "callee", "operands", "results", "attributes", "types", "path", "loc", "notes")


def to_json(module: Module) -> dict[str, Any]:
    """Return a module as plain data; types, symbolic sizes and infinities are strings."""
    return {
        "nasc": VERSION,
        "entry": module.entry,
        "notes": _notes(module.notes),
        "graphs": [_graph(graph) for graph in module.graphs],
    }


def from_json(data: object, filename: str = "<json>") -> Module:
    """Return the module that plain data describes, types as written.

    Raises NascError with every error, each with the place in the data, ``file:$.graphs[0].nodes[3].op``.
    """
    reader = _Reader(filename)
    module = reader.module(data)
    if reader.found:
        raise NascError(*reader.found)
    return module


def parse_json(text: str, filename: str = "<json>") -> Module:
    """Return the module that JSON text describes. Raises NascError with every error."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = Loc(filename, error.lineno, error.colno)
        hint = "expected what `nasc emit --to json` writes"
        raise NascError(Diagnostic(f"this is no JSON: {error.msg}", hint, "json", where), text=text) from None
    except (RecursionError, ValueError) as error:
        raise NascError.of(f"this JSON cannot be read: {error}", "", "json", Loc(filename)) from None
    return from_json(data, filename)


def _graph(graph: Graph) -> dict[str, Any]:
    return {
        "name": graph.name,
        "symbols": list(graph.symbols),
        "inputs": [{"name": value.name, "type": str(value.type)} for value in graph.inputs],
        "output_types": list(map(str, graph.output_types)),
        "nodes": [_node(node) for node in graph.nodes],
        "outputs": list(graph.outputs),
        "scopes": dict(graph.scopes),
    }


def _node(node: Node) -> dict[str, Any]:
    """Return a node; what it does not have is left out."""
    op = node.op
    if isinstance(op, CallBlock):
        attributes = {name: _value(value) for name, value in op.arguments}
    else:
        attributes = {name: _value(value) for name, value in op.stated().items()}
    loc = node.loc
    everything: dict[str, Any] = {
        "operands": list(node.operands),
        "results": list(node.results),
        "attributes": attributes,
        "types": list(map(str, node.types)),
        "path": node.path,
        "loc": {"file": loc.file, "line": loc.line, "column": loc.column} if loc else None,
        "notes": _notes(node.notes),
    }
    callee = {"callee": op.callee} if isinstance(op, CallBlock) else {}
    return {"op": op.name, **callee, **{key: value for key, value in everything.items() if value}}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        return [_value(item) for item in items]
    if isinstance(value, DType):
        return value.value
    if isinstance(value, Expr) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _notes(notes: Notes) -> dict[str, object]:
    return {
        key: {"float": str(value)} if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in notes.items()
    }


class _Reader:
    """Makes a module of plain data and collects what is wrong, each with its place."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.found: list[Diagnostic] = []
        self.types: dict[str, TensorType] = {}

    def module(self, data: object) -> Module:
        fields = self.fields(data, _MODULE, "$")
        if self.found:
            return Module((), "")
        version = fields.get("nasc")
        if version != VERSION:
            self.report(f"this is version {version!r} of the JSON view", f"expected {VERSION}", "$.nasc")
        graphs = self.each(fields.get("graphs"), "$.graphs", self.graph)
        entry = self.text(fields.get("entry"), "$.entry")
        if not any(graph.name == entry for graph in graphs):
            hint = did_you_mean(entry, (graph.name for graph in graphs))
            self.report(f"the entry {entry!r} is no graph", hint, "$.entry")
        return Module(graphs, entry, self.notes(fields.get("notes", {}), "$.notes"))

    def graph(self, data: object, path: str) -> Graph:
        fields = self.fields(data, _GRAPH, path)
        nodes = fields.get("nodes", [])
        if isinstance(nodes, list) and len(cast("list[object]", nodes)) > MAX_NODES:
            self.report("there are too many nodes", f"expected at most {MAX_NODES:,}", f"{path}.nodes")
            nodes = []
        scopes = self.fields(fields.get("scopes", {}), None, f"{path}.scopes")
        return Graph(
            self.text(fields.get("name"), f"{path}.name"),
            self.each(fields.get("inputs", []), f"{path}.inputs", self.input),
            self.each(nodes, f"{path}.nodes", self.node),
            self.each(fields.get("outputs", []), f"{path}.outputs", self.text),
            self.each(fields.get("symbols", []), f"{path}.symbols", self.text),
            self.each(fields.get("output_types", []), f"{path}.output_types", self.type),
            MappingProxyType({k: self.text(v, f"{path}.scopes.{k}") for k, v in scopes.items()}),
        )

    def input(self, data: object, path: str) -> Input:
        fields = self.fields(data, ("name", "type"), path)
        return Input(self.text(fields.get("name"), f"{path}.name"), self.type(fields.get("type"), f"{path}.type"))

    def node(self, data: object, path: str) -> Node:
        fields = self.fields(data, _NODE, path)
        results = self.each(fields.get("results", []), f"{path}.results", self.text)
        if not results:
            self.report("a node has no results", "expected one name or more", f"{path}.results")
        return Node(
            self.op(fields, path),
            self.each(fields.get("operands", []), f"{path}.operands", self.text),
            results,
            self.each(fields.get("types", []), f"{path}.types", self.type),
            self.text(fields.get("path", ""), f"{path}.path"),
            self.loc(fields["loc"], f"{path}.loc") if "loc" in fields else None,
            self.notes(fields.get("notes", {}), f"{path}.notes"),
        )

    def op(self, fields: Mapping[str, object], path: str) -> Op:
        name = self.text(fields.get("op"), f"{path}.op")
        attributes = self.fields(fields.get("attributes", {}), None, f"{path}.attributes")
        if name == CallBlock.name:
            return self.call(fields, attributes, path)
        cls = OPS.get(name)
        if cls is None:
            self.report(f"there is no op {name!r}", did_you_mean(name, OPS), f"{path}.op")
            return _FAULTY
        kinds = attributes_of(cls)
        before = len(self.found)
        values = {
            key: self.attribute(value, kinds.get(key), f"{path}.attributes.{key}") for key, value in attributes.items()
        }
        if len(self.found) > before:
            return _FAULTY
        try:
            return build(cls, values)
        except NascError as error:
            for finding in error.diagnostics:
                self.report(finding.message, finding.hint, f"{path}.attributes", finding.code)
            return _FAULTY

    def call(self, fields: Mapping[str, object], attributes: Mapping[str, object], path: str) -> Op:
        callee = self.text(fields.get("callee"), f"{path}.callee")
        arguments = [(k, self.dim(v, f"{path}.attributes.{k}")) for k, v in attributes.items()]
        return CallBlock(callee=callee, arguments=tuple(arguments))

    def attribute(self, value: object, kind: Attribute | None, path: str) -> object:
        """Return a value as the op takes it: sizes and special floats from their strings."""
        if isinstance(value, list):
            items = cast("list[object]", value)
            return tuple(self.attribute(item, kind, f"{path}[{i}]") for i, item in enumerate(items))
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            self.report("a number does not fit into 64 bits", "", path)
            return None
        if kind is None or not isinstance(value, str) or kind.kind in ("word", "dtype", "text"):
            return value
        if kind.kind in ("real", "scalar") and value in _FLOATS:
            return _FLOATS[value]
        return self.dim(value, path) if kind.kind in ("dim", "dims", "scalar") else value

    def dim(self, value: object, path: str) -> Dim:
        if isinstance(value, str):
            size = self.parsed(parse_dim, value, path)
            return 1 if size is None else size
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_INTEGER:
            self.report("this is no size", "expected an integer or an expression such as 'C*4'", path)
            return 1
        return value

    def type(self, value: object, path: str) -> TensorType:
        text = self.text(value, path)
        if text not in self.types:
            self.types[text] = self.parsed(parse_type, text, path) or TensorType(DType.F32, ())
        return self.types[text]

    def parsed(self, parse: Callable[[str], T], text: str, path: str) -> T | None:
        try:
            return parse(text)
        except NascError as error:
            for finding in error.diagnostics:
                self.report(finding.message, finding.hint, path, finding.code)
            return None

    def loc(self, data: object, path: str) -> Loc:
        fields = self.fields(data, ("file", "line", "column"), path)
        line, column = (self.count(fields.get(key, 0), f"{path}.{key}") for key in ("line", "column"))
        return Loc(self.text(fields.get("file"), f"{path}.file"), line, column)

    def notes(self, data: object, path: str) -> Notes:
        fields = self.fields(data, None, path)
        notes: dict[str, NoteValue] = {}
        for key, value in fields.items():
            if isinstance(value, dict):
                special = self.fields(cast("object", value), ("float",), f"{path}.{key}").get("float")
                value = _FLOATS.get(special) if isinstance(special, str) else None
            if isinstance(value, (str, int, float)):
                notes[key] = value
            else:
                self.report("this is no note", "expected a number, a truth value or a string", f"{path}.{key}")
        return MappingProxyType(notes) if notes else NO_NOTES

    def fields(self, data: object, known: tuple[str, ...] | None, path: str) -> Mapping[str, object]:
        if not isinstance(data, dict) or not all(isinstance(key, str) for key in cast("dict[object, object]", data)):
            self.report(f"expected an object, not {_kind(data)}", "", path)
            return {}
        fields = cast("dict[str, object]", data)
        for key in fields:
            if known is not None and key not in known:
                self.report(f"unknown key {key!r}", did_you_mean(key, known), f"{path}.{key}")
        return fields

    def each(self, data: object, path: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        if not isinstance(data, list):
            self.report(f"expected a list, not {_kind(data)}", "", path)
            return ()
        items = cast("list[object]", data)
        return tuple(read(item, f"{path}[{i}]") for i, item in enumerate(items))

    def text(self, value: object, path: str) -> str:
        if not isinstance(value, str):
            self.report(f"expected a string, not {_kind(value)}", "", path)
            return ""
        return value

    def count(self, value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.report(f"expected an integer >= 0, not {_kind(value)}", "", path)
            return 0
        return value

    def report(self, message: str, hint: str, path: str, code: str = "json") -> None:
        self.found.append(Diagnostic(message, hint, code, Loc(f"{self.filename}:{path}")))


def _kind(value: object) -> str:
    names = {"dict": "an object", "list": "a list", "str": "a string", "bool": "a truth value"}
    kind = type(value).__name__
    return {**names, "int": "a number", "float": "a number", "NoneType": "nothing"}.get(kind, kind)
