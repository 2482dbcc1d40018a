"""Edits: what an LLM or a person may ask to be changed in a module, one line of text each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..ir import Graph, show

Values = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class OpSpec:
    """An op as an edit writes it: ``conv2d {out_channels=64, kernel_size=3}``, not yet checked."""

    name: str
    values: Values = ()

    def __str__(self) -> str:
        """Return the text form."""
        return f"{self.name} {{{_values(self.values)}}}" if self.values else self.name


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """``set %conv1 kernel_size=5``: other attributes, or other arguments of a call."""

    graph: str
    node: str
    values: Values

    def __str__(self) -> str:
        """Return the line."""
        return f"set %{self.node} {_values(self.values)}"


@dataclass(frozen=True, slots=True)
class Replace:
    """``replace %relu1 with gelu``: another op on the same operands."""

    graph: str
    node: str
    op: OpSpec

    def __str__(self) -> str:
        """Return the line."""
        return f"replace %{self.node} with {self.op}"


@dataclass(frozen=True, slots=True)
class Insert:
    """``after %bn1 insert relu``: a new op between a value and everything that reads it."""

    graph: str
    node: str
    op: OpSpec

    def __str__(self) -> str:
        """Return the line."""
        return f"after %{self.node} insert {self.op}"


@dataclass(frozen=True, slots=True)
class Delete:
    """``delete %relu2``: its users read its operand instead; a call of a block too."""

    graph: str
    node: str

    def __str__(self) -> str:
        """Return the line."""
        return f"delete %{self.node}"


@dataclass(frozen=True, slots=True)
class Skip:
    """``skip %x -> %conv2``: add ``%x`` to what ``%conv2`` gives."""

    graph: str
    source: str
    node: str

    def __str__(self) -> str:
        """Return the line."""
        return f"skip %{self.source} -> %{self.node}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """``repeat %layer1.1``: the same op or block once more behind itself, with weights of its own."""

    graph: str
    node: str

    def __str__(self) -> str:
        """Return the line."""
        return f"repeat %{self.node}"


@dataclass(frozen=True)
class NewBlock:
    """``graph @basic_block...{...}``: a whole block written anew, with the same name and interface."""

    body: Graph

    @property
    def graph(self) -> str:
        """The name of the block."""
        return self.body.name

    @property
    def node(self) -> str:
        """The value that the block returns first."""
        return self.body.outputs[0] if self.body.outputs else ""

    def __str__(self) -> str:
        """Return the text of the block."""
        from ..grammar import print_graph

        return print_graph(self.body).rstrip("\n")


Edit = SetAttributes | Replace | Insert | Delete | Skip | Repeat | NewBlock


def edit_script(edits: Iterable[Edit]) -> str:
    """Return edits as a script that ``parse_edits`` reads: one a line, and a line where the graph changes."""
    lines: list[str] = []
    graph = ""
    for edit in edits:
        if edit.graph != graph and not isinstance(edit, NewBlock):
            lines.append(f"in @{edit.graph}:")
            graph = edit.graph
        lines.append(str(edit))
    return "".join(f"{line}\n" for line in lines)


def edit_line(edit: Edit) -> str:
    """Return an edit as one line that says where: ``@basic_block: set %conv1 kernel_size=5``."""
    text = "a new body" if isinstance(edit, NewBlock) else str(edit)
    return f"@{edit.graph}: {text}" if edit.graph else text


def _values(values: Values) -> str:
    return ", ".join(f"{name}={show_value(value)}" for name, value in values)


def show_value(value: object) -> str:
    """Return an attribute value as text; a list of equal numbers as one number."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return show(value[0])
    if value is None or (isinstance(value, str) and value.isidentifier()):
        return "none" if value is None else str(value)
    return show(value)
