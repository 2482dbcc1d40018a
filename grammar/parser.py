"""Text to modules; ops are built through the op table, which checks every attribute where it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from lark import Token

from ..ir import (
    OPS,
    Attribute,
    CallBlock,
    Diagnostic,
    Dim,
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
from ..ir.calls import MAX_NODES
from ..ir.graph import NO_NOTES
from .locate import located
from .printer import VERSION
from .syntax import Fault, NotePair, Pair, RawFile, RawGraph, RawNode, RawReturn, unquote
from .syntax_errors import readable
from .type_text import TypeReader

_TRUTH = {"true": True, "false": False}
_FAULTY = CallBlock(callee="")


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
    reader = TypeReader()
    value = reader.dim(text.strip(), Loc(filename, 1, 1))
    if reader.found:
        raise NascError(*reader.found, text=text.strip())
    return value


def parse_type(text: str, filename: str = "<type>") -> TensorType:
    """Return a tensor type, ``f32[N,64,56,56]``. Raises NascError with a caret."""
    reader = TypeReader()
    value = reader.type(text.strip(), Loc(filename, 1, 1))
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
        self.types = TypeReader()
        self.found = self.types.found
        self.ops: dict[str, Op] = {}

    def module(self, raw: RawFile) -> Module:
        version = raw.header.version
        if int(version[:9]) != VERSION:
            hint = f"this nasc reads version {VERSION}"
            self.report(f"this is version {version[:9]} of the text form", hint, "version", version)
        nodes = sum(len(graph.body) for graph in raw.graphs)
        if nodes > MAX_NODES:
            hint = f"expected at most {MAX_NODES:,}"
            self.report(f"the text has {nodes:,} nodes", hint, "size", version)
        graphs = tuple(self.graph(graph) for graph in raw.graphs)
        return Module(graphs, graphs[0].name, self.notes(raw.header.notes))

    def graph(self, raw: RawGraph) -> Graph:
        inputs = tuple(Input(self.word(name), self.type(type)) for name, type in raw.inputs)
        places = {self.word(value): self.place(where) for value, where in raw.locations}
        nodes = tuple(self.node(line, places) for line in raw.body if isinstance(line, RawNode))
        outputs = self.outputs(raw.body)
        results = {node.name for node in nodes}
        for value, _ in raw.locations:
            if self.word(value) not in results:
                hint = did_you_mean(self.word(value), results)
                self.report(f"{value} has a source line but names no node", hint, "unknown-node", value)
        return Graph(
            self.word(raw.name),
            inputs,
            nodes,
            outputs,
            tuple(map(str, raw.symbols)),
            tuple(map(self.type, raw.types or ())),
            MappingProxyType({self.word(path): self.text(cls, path) for path, cls in raw.scopes}),
        )

    def outputs(self, body: Sequence[RawNode | RawReturn]) -> tuple[str, ...]:
        returns = [line for line in body if isinstance(line, RawReturn)]
        for line in returns[:-1]:
            self.report("a graph returns once", "remove one of the return lines", "return", line.keyword)
        if returns and body[-1] is not returns[-1]:
            hint = "move the return line to the end"
            self.report("nodes stand after the return line", hint, "return", returns[-1].keyword)
        return tuple(map(self.word, returns[-1].values)) if returns else ()

    def node(self, raw: RawNode, places: dict[str, Loc]) -> Node:
        results = tuple(map(self.word, raw.results))
        return Node(
            self.call(raw) if raw.callee is not None else self.known(raw),
            tuple(map(self.word, raw.operands or ())),
            results,
            tuple(map(self.type, raw.types or ())),
            self.word(raw.path) if raw.path is not None else "",
            places.get(results[0]),
            self.notes(raw.notes),
        )

    def call(self, raw: RawNode) -> Op:
        arguments: dict[str, Dim] = {}
        for name, (key, written) in self.keyed(raw.attributes):
            value = self.value(written, Attribute("dim", low=None), key)
            if isinstance(value, (int, Expr)) and not isinstance(value, bool):
                arguments[name] = value
            elif not isinstance(written, Fault):
                hint = "expected an integer expression"
                self.report(f"argument {name!r} must be a size", hint, "attribute-value", key)
        return CallBlock(callee=self.word(raw.op), arguments=tuple(arguments.items()))

    def known(self, raw: RawNode) -> Op:
        """Return the op of a node, the same one where another node has it with the same attributes."""
        written = repr((raw.op, raw.attributes))
        op = self.ops.get(written)
        if op is None:
            op = self.op(raw)
            if op is not _FAULTY:
                self.ops[written] = op
        return op

    def op(self, raw: RawNode) -> Op:
        cls = OPS.get(raw.op)
        if cls is None or cls is CallBlock:
            self.report(f"there is no op {str(raw.op)!r}", did_you_mean(raw.op, OPS), "unknown-op", raw.op)
            return _FAULTY
        kinds = attributes_of(cls)
        before = len(self.found)
        attributes = self.keyed(raw.attributes)
        values = {name: self.value(written, kinds.get(name), key) for name, (key, written) in attributes}
        faults = any(isinstance(written, Fault) for _, (_, written) in attributes)
        if faults or len(self.found) > before:
            return _FAULTY
        try:
            return build(cls, values)
        except NascError as error:
            self.explain(raw.op, cls, values, {name: key for name, (key, _) in attributes}, error)
            return _FAULTY

    def keyed(self, pairs: Sequence[Pair] | None) -> list[tuple[str, Pair]]:
        """Return attributes by name; one that is given twice is reported."""
        named = [(str(pair[0][:-1]).rstrip(), pair) for pair in pairs or ()]
        if len(dict(named)) < len(named):
            for i, (name, (key, _)) in enumerate(named):
                if name in dict(named[:i]):
                    self.report(f"{name} is given twice", "remove one of them", "attribute-value", key)
        return named

    def explain(
        self, op: Token, cls: type[Op], values: dict[str, object], keys: dict[str, Token], error: NascError
    ) -> None:
        """Report a failed build, each finding at the attribute that it is about."""
        kinds = attributes_of(cls)
        places: dict[str, Token] = {}
        for name, key in keys.items():
            try:
                if name in kinds:
                    kinds[name].check(name, values[name])
            except NascError as problem:
                places[problem.diagnostics[0].message] = key
        for finding in error.diagnostics:
            unknown = (keys[n] for n in keys if n not in kinds and finding.message.endswith(repr(n)))
            token = places.get(finding.message) or next(unknown, op)
            self.found.append(replace(finding, where=self.loc(token)))

    def value(self, written: object, kind: Attribute | None, key: Token) -> object:
        """Return an attribute's value; a word alone means what the attribute's kind makes of it."""
        if isinstance(written, Token):
            return _meaning(written, kind)
        if isinstance(written, list):
            items: list[object] = written
            return tuple(self.value(item, kind, key) for item in items)
        if isinstance(written, Fault):
            self.fault(written, key)
            return None
        return written

    def notes(self, pairs: Sequence[NotePair] | None) -> Notes:
        if not pairs:
            return NO_NOTES
        notes: dict[str, NoteValue] = {}
        for key, written in pairs:
            name = key[:-1].rstrip() if isinstance(key, Token) else self.text(key, None)
            value = _TRUTH.get(written) if isinstance(written, Token) else written
            place = key if isinstance(key, Token) else None
            if isinstance(value, Fault):
                self.fault(value, place)
            elif not isinstance(value, (str, int, float)):
                hint = "expected a number, true, false or a quoted string"
                self.report(f"note {name!r} cannot have this value", hint, "note", place)
            else:
                notes[name] = value
        return MappingProxyType(notes)

    def type(self, token: Token) -> TensorType:
        return self.types.cached(token, lambda: self.loc(token))

    def place(self, token: Token) -> Loc:
        end = token.rindex('"') + 1
        numbers = [int(number[:9]) for number in token[end:].split(":")[1:]]
        line, column = (*numbers, 0, 0)[:2]
        return Loc(self.text(unquote(token, token[:end]), token), line, column)

    def word(self, token: Token) -> str:
        """Return a name without its sigil, unquoted."""
        return self.text(unquote(token, token[1:]), token) if token[1] == '"' else token[1:]

    def text(self, value: str | Fault, token: Token | None) -> str:
        if isinstance(value, Fault):
            self.fault(value, token)
            return ""
        return str(value)

    def fault(self, fault: Fault, token: Token | None) -> None:
        known = Loc(self.filename, fault.line, fault.column)
        where = self.loc(token) if token is not None and not fault.line else known
        self.found.append(Diagnostic(fault.message, fault.hint, "attribute-value", where))

    def loc(self, token: Token) -> Loc:
        return Loc(self.filename, token.line or 0, token.column or 0)

    def report(self, message: str, hint: str, code: str, token: Token | None) -> None:
        where = Loc(self.filename) if token is None else self.loc(token)
        self.found.append(Diagnostic(message, hint, code, where))


def _meaning(word: Token, kind: Attribute | None) -> object:
    """Return what a word alone stands for: a truth value, nothing, a choice, a dtype or a symbol."""
    text = str(word)
    if kind is not None and kind.kind in ("word", "dtype", "text"):
        return None if text == "none" and kind.optional and text not in kind.choices else text
    if text == "none":
        return None
    return _TRUTH[text] if text in _TRUTH else symbol(text)
