"""Sections to graphs: every block is typed for all C, H and W at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ...ir import (
    Builder,
    Diagnostic,
    Dim,
    Expr,
    Graph,
    Input,
    Loc,
    NascError,
    Node,
    TensorType,
    build,
    f32,
    substitute,
    symbol,
)
from ...ir.ops import OPS
from .arguments import ArgumentReader, Arguments
from .lines import NodeLine, Section
from .meaning import meaning_of
from .operations import Operation
from .structure import Step, Structure

Role = Literal["base", "stem", "downsample"]
B, C, DIM, H, W = (symbol(name) for name in ("B", "C", "dim", "H", "W"))
_STEMS = {"Conv2d": "conv", "AvgPool2d": "pool", "MaxPool2d": "pool"} | {
    "AdaptiveAvgPool2d": "pool",
    "AdaptiveMaxPool2d": "pool",
}


def role_of(name: str) -> Role:
    """Return what a block is for, by the words of its name: ``ResNet_stem``, ``ConvDownsample``, else a base block."""
    words = [word.lower() for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", name)]
    if "stem" in words or name.lower().endswith("stem"):
        return "stem"
    return "downsample" if "downsample" in words or name.lower().endswith("downsample") else "base"


def graph_of(section: Section, role: Role, name: str, filename: str) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph of a block, or all that is wrong with it."""
    structure = Structure(section, filename)
    assembly = _Assembly(name, role, filename)
    graph = assembly.graph(structure)
    found = structure.found + assembly.found
    return None if found else graph, found


def graph_name(section: str, taken: Sequence[str]) -> str:
    """Return the name of the graph of a section: a word that no other graph has."""
    word = re.sub(r"\W+", "_", section).strip("_") or "block"
    word = f"_{word}" if word[0].isdigit() else word
    count, name = 1, word
    while name in taken:
        count, name = count + 1, f"{word}_{count + 1}"
    return name


class _Assembly:
    """Makes the graph of one block; a node whose operands are faulty is left out, so each fault is told once."""

    def __init__(self, name: str, role: Role, filename: str) -> None:
        self.role: Role = role
        self.filename = filename
        self.found: list[Diagnostic] = []
        self.builder = Builder(name, () if role == "base" else ("dim",))
        self.types = self.builder.types
        self.values: dict[str, str] = {}
        self.arguments: dict[str, Arguments] = {}
        self.stem, self.path, self.loc = "", "", Loc(filename)

    def graph(self, structure: Structure) -> Graph | None:
        for index, operation in structure.operations.items():
            self._read_arguments(structure.nodes[index], operation)
        output = ""
        for step in structure.steps:
            if step.operation.name == "output":
                output = self.values.get(step.operands[0], "")
                self._check_output(step, output)
            else:
                self._step(step)
        return _batched(self.builder.finish(output)) if output and not self.found else None

    def _read_arguments(self, line: NodeLine, operation: Operation) -> None:
        reader = ArgumentReader(line, operation, self.filename)
        values = reader.read()
        self.found += reader.found
        if not reader.found:
            self.arguments[line.key] = {
                name: _in_base(value) if self.role == "base" else value for name, value in values.items()
            }

    def _step(self, step: Step) -> None:
        line, operation = step.line, step.operation
        if operation.name == "input":
            self.values[line.key] = self.builder.input("x", f32(B, C, H, W))
            return
        operands = [self.values[index] for index in step.operands if index in self.values]
        if len(operands) < len(step.operands) or line.key not in self.arguments:
            return
        number = line.key.isdecimal()
        stem = f"{_STEMS.get(operation.name, operation.name.lower())}{line.key}" if number else line.key
        self.stem, self.path = stem, stem if operation.layer else ""
        self.loc = Loc(self.filename, line.line, line.operation_column)
        try:
            self.values[line.key] = meaning_of(operation.name)(self, operands, self.arguments[line.key])
        except NascError as error:
            self.found += [Diagnostic(d.message, d.hint, d.code, self.loc) for d in error.diagnostics]

    def add(self, op: str, *operands: str, **attributes: object) -> str:
        """Add a node of the line at hand and return its value. Raises NascError."""
        made = build(OPS[op], attributes)
        path = "" if op == "slice" else self.path
        (only,) = self.builder.add(made, operands, path=path, name=self.stem, loc=self.loc)
        return only

    def _check_output(self, output: Step, value: str) -> None:
        if not value:
            return
        actual = self.types[value]
        channels: Dim = C if self.role == "base" else DIM
        wanted = {"base": f32(B, channels, H, W), "downsample": f32(B, channels, H // 2, W // 2)}.get(self.role)
        if wanted is None:
            wanted = f32(B, channels, *_stem_sizes(actual))
        if actual == wanted:
            return
        what = {"base": "keeps the shape", "stem": "makes dim channels", "downsample": "halves the sizes"}[self.role]
        line = output.line
        where = Loc(self.filename, line.line, line.operation_column)
        message = f"the output is {actual}, but a {self.role} block {what}"
        self.found.append(Diagnostic(message, f"expected {wanted}", "output-type", where))


def _stem_sizes(actual: TensorType) -> tuple[Dim, Dim]:
    """Return the sizes that the output of a stem may have: those of the input over one number."""
    if actual.rank == 4:
        for stride in range(1, 33):
            if actual.shape[2:] == (H // stride, W // stride):
                return H // stride, W // stride
    return H, W


def _in_base(value: object) -> object:
    """Return an argument in a base block, where dim is C."""
    if isinstance(value, Expr):
        return substitute(value, {"dim": C})
    if isinstance(value, tuple):
        return tuple(_in_base(item) for item in value)
    return value


def _batched(graph: Graph) -> Graph:
    """Return the graph with the batch called as in every graph of the IR."""
    values: dict[str, Dim] = {"B": symbol("N")}
    nodes = [_renamed(node, values) for node in graph.nodes]
    inputs = tuple(Input(value.name, value.type.substitute(values)) for value in graph.inputs)
    results = tuple(type.substitute(values) for type in graph.output_types)
    return replace(graph, nodes=tuple(nodes), inputs=inputs, output_types=results)


def _renamed(node: Node, values: dict[str, Dim]) -> Node:
    return replace(node, op=node.op.substitute(values), types=tuple(type.substitute(values) for type in node.types))
