"""Text to modules: ops are built through the op table, so that every attribute is checked where it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

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
    checked,
    did_you_mean,
    symbol,
)
from ..ir.graph import NO_NOTES
from .locate import located
from .syntax import Fault, RawFile, RawGraph, RawNode, RawReturn, read, unquote
from .syntax_errors import UnexpectedInput, readable

if TYPE_CHECKING:
    from lark import Token

VERSION = 1
_WORDS = {"true": True, "false": False}


def parse(text: str, filename: str = "<text>") -> Module:
    """Return the module that a text describes, types as written.

    Raises NascError with every error of the text, each with its line and column.
    """
    raw, found = readable(text, filename)
    reader = _Reader(filename)
    module = reader.module(raw) if raw is not None else None
    found += reader.found
    if found or module is None:
        raise NascError(*sorted(found, key=_position), text=text)
    return module


def parse_checked(text: str, filename: str = "<text>") -> Module:
    """Return the module that a text describes, verified and with all types filled in.

    Raises NascError with every error, each with its line and column.
    """
    module = parse(text, filename)
    try:
        return checked(module)
    except NascError as error:
        raise located(error, text, filename) from None


def parse_dim(text: str, filename: str = "<size>") -> Dim:
    """Return an integer expression, ``(H-1)//2``. Raises NascError with a caret."""
    reader = _Reader(filename)
    value = reader.dim(text.strip(), Loc(filename, 1, 1))
    if reader.found:
        raise NascError(*reader.found, text=text.strip())
    return value


def parse_type(text: str, filename: str = "<type>") -> TensorType:
    """Return a tensor type, ``f32[N,64,56,56]``. Raises NascError with a caret."""
    reader = _Reader(filename)
    value = reader.tensor_type(text.strip(), Loc(filename, 1, 1))
    if reader.found:
        raise NascError(*reader.found, text=text.strip())
    return value


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    where = diagnostic.where or Loc("")
    return where.line, where.column


class _Reader:
    """Makes a module of the plain tuples and collects what is wrong on the way."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.found: list[Diagnostic] = []
        self.types: dict[str, TensorType] = {}

    def module(self, raw: RawFile) -> Module:
        if int(raw.header.version) != VERSION:
            self.report(
                f"this is version {raw.header.version} of the text form",
                f"this nasc reads version {VERSION}",
                "version",
                raw.header.version,
            )
        graphs = tuple(self.graph(graph) for graph in raw.graphs)
        return Module(graphs, graphs[0].name, self.notes(raw.header.notes))

    def graph(self, raw: RawGraph) -> Graph:
        inputs = tuple(Input(self.word(name), self.type(type)) for name, type in raw.inputs)
        places = {self.word(value): self.place(where) for value, where in raw.locations}
        nodes = [self.node(line, places) for line in raw.body if isinstance(line, RawNode)]
        returns = [line for line in raw.body if isinstance(line, RawReturn)]
        for line in returns[:-1]:
            self.report("a graph returns once", "remove one return line", "return", line.keyword)
        if returns and raw.body[-1] is not returns[-1]:
            self.report(
                "nodes stand after the return line", "move it to the end", "return", returns[-1].keyword
            )
        results = {name for node in nodes for name in node.results}
        for value, _ in raw.locations:
            if self.word(value) not in results:
                hint = did_you_mean(self.word(value), results)
                self.report(f"{value} has a source line but is no node", hint, "unknown-node", value)
        return Graph(
            self.word(raw.name),
            inputs,
            tuple(nodes),
            tuple(self.word(value) for value in returns[-1].values) if returns else (),
            tuple(map(str, raw.symbols)),
            tuple(map(self.type, raw.types or ())),
            MappingProxyType({self.word(path): self.text(cls) for path, cls in raw.scopes}),
        )

    def node(self, raw: RawNode, places: dict[str, Loc]) -> Node:
        results = tuple(map(self.word, raw.results))
        return Node(
            self.call(raw) if raw.callee is not None else self.op(raw),
            tuple(map(self.word, raw.operands or ())),
            results,
            tuple(map(self.type, raw.types or ())),
            self.word(raw.path) if raw.path is not None else "",
            places.get(results[0]),
            self.notes(raw.notes),
        )

    def call(self, raw: RawNode) -> Op:
        arguments: dict[str, Dim] = {}
        for key, written in raw.attributes or ():
            value = self.value(written, Attribute("dim", low=None), key)
            if isinstance(value, (int, Expr)) and not isinstance(value, bool):
                arguments[str(key)] = value
            elif not isinstance(written, Fault):
                self.report(f"{key} must be a size", "expected an integer expression", "attribute-value", key)
        return CallBlock(callee=self.word(raw.op), arguments=tuple(arguments.items()))

    def op(self, raw: RawNode) -> Op:
        cls = OPS.get(raw.op)
        if cls is None or cls is CallBlock:
            self.report(f"there is no op {str(raw.op)!r}", did_you_mean(raw.op, OPS), "unknown-op", raw.op)
            return CallBlock(callee="")
        kinds = attributes_of(cls)
        faults = len(self.found)
        values: dict[str, object] = {}
        for key, written in raw.attributes or ():
            if key in values:
                self.report(f"{key} is given twice", "remove one", "attribute-value", key)
            values[str(key)] = self.value(written, kinds.get(key), key)
        if len(self.found) > faults:
            return CallBlock(callee="")
        try:
            return build(cls, values)
        except NascError as error:
            self.explain(raw, cls, values, error)
            return CallBlock(callee="")

    def explain(self, raw: RawNode, cls: type[Op], values: dict[str, object], error: NascError) -> None:
        """Report a failed build, each finding at the attribute that it is about."""
        keys = {str(key): key for key, _ in raw.attributes or ()}
        kinds = attributes_of(cls)
        placed: dict[str, Token] = {}
        for name, key in keys.items():
            try:
                if name in kinds:
                    kinds[name].check(name, values[name])
            except NascError as problem:
                placed[problem.diagnostics[0].message] = key
        for diagnostic in error.diagnostics:
            unknown = [keys[name] for name in keys if name not in kinds and repr(name) in diagnostic.message]
            token = placed.get(diagnostic.message) or next(iter(unknown), raw.op)
            self.found.append(replace(diagnostic, where=self.loc(token)))

    def value(self, written: object, kind: Attribute | None, key: Token) -> object:
        """Return an attribute's value; a word alone means what the attribute's kind makes of it."""
        if isinstance(written, Fault):
            self.fault(written, key)
            return None
        if isinstance(written, list):
            return tuple(self.value(item, kind, key) for item in written)
        return _meaning(written, kind) if hasattr(written, "type") else written

    def notes(self, raw: Sequence[tuple[Token, object]] | None) -> Notes:
        if not raw:
            return NO_NOTES
        notes: dict[str, NoteValue] = {}
        for key, written in raw:
            value = _WORDS.get(written, written) if hasattr(written, "type") else written
            if isinstance(value, Fault):
                self.fault(value, key)
            elif hasattr(value, "type") or not isinstance(value, (str, int, float)):
                hint = "expected a number, true, false or a quoted string"
                self.report(f"note {str(key)!r} has no such value", hint, "note", key)
            else:
                notes[self.text(key)] = value
        return MappingProxyType(notes)

    def type(self, token: Token) -> TensorType:
        known = self.types.get(token)
        if known is None:
            known = self.types[str(token)] = self.tensor_type(token, self.loc(token))
        return known

    def tensor_type(self, text: str, where: Loc) -> TensorType:
        name, bracket, rest = text.partition("[")
        dtype = next((t for t in DType if t.value == name.strip()), None)
        if not bracket or not rest.endswith("]"):
            self.found.append(
                Diagnostic(f"{text!r} is no type", "expected such as f32[N,64,56,56]", "type", where)
            )
        elif dtype is None:
            hint = did_you_mean(name, (t.value for t in DType))
            self.found.append(Diagnostic(f"there is no dtype {name!r}", hint, "type", where))
        sizes: list[Dim] = []
        column = where.column + len(name) + 1
        for part in rest[:-1].split(",") if rest[:-1].strip() else ():
            start = column + len(part) - len(part.lstrip())
            sizes.append(self.dim(part.strip(), replace(where, column=start)))
            column += len(part) + 1
        return TensorType(dtype or DType.F32, tuple(sizes))

    def dim(self, text: str, where: Loc) -> Dim:
        if text.isdecimal() and len(text) < 19:
            return int(text)
        if text.isidentifier():
            return symbol(text)
        try:
            value = read(text, "sum")
        except UnexpectedInput as error:
            column = where.column + max(getattr(error, "column", 1) - 1, 0)
            hint = "expected an integer expression such as N, 64 or (H-1)//2"
            place = replace(where, column=min(column, where.column + len(text)))
            self.found.append(Diagnostic(f"{text!r} is no size", hint, "syntax", place))
            return 1
        if isinstance(value, Fault):
            self.found.append(Diagnostic(value.message, value.hint, "attribute-value", where))
            return 1
        return symbol(str(value)) if isinstance(value, str) else value

    def place(self, token: Token) -> Loc:
        quoted, *numbers = token.rsplit('"', 1)[0] + '"', *token.rsplit('"', 1)[1].split(":")[1:]
        line, column = (*map(int, numbers), 0, 0)[:2]
        return Loc(self.string(token, quoted), line, column)

    def word(self, token: Token) -> str:
        """Return a name without its sigil, unquoted."""
        return self.string(token, token[1:]) if token[1] == '"' else token[1:]

    def text(self, value: Token | str | Fault) -> str:
        if isinstance(value, Fault):
            self.fault(value, None)
            return ""
        return str(value)

    def string(self, token: Token, quoted: str) -> str:
        return self.text(unquote(token, quoted))

    def fault(self, fault: Fault, token: Token | None) -> None:
        where = (
            Loc(self.filename, fault.line, fault.column) if fault.line or token is None else self.loc(token)
        )
        self.found.append(Diagnostic(fault.message, fault.hint, "attribute-value", where))

    def loc(self, token: Token) -> Loc:
        return Loc(self.filename, token.line or 0, token.column or 0)

    def report(self, message: str, hint: str, code: str, token: Token) -> None:
        self.found.append(Diagnostic(message, hint, code, self.loc(token)))


def _meaning(word: object, kind: Attribute | None) -> object:
    """Return what a word alone stands for: a truth value, nothing, a choice, a dtype or a symbol."""
    text = str(word)
    if kind is not None and kind.kind in ("word", "dtype", "text"):
        return None if text == "none" and kind.optional and text not in kind.choices else text
    if text == "none":
        return None
    return _WORDS[text] if text in _WORDS else symbol(text)
