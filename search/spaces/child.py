"""Whole children of parents as text: the first parent's graphs, with a few of their lines written otherwise.

Every line of the grammar is a line of a parent or one with a change that types, and at most ``MOST_CHANGES`` of
them differ from the first parent's: an LLM copies, crosses and mutates in one answer, and what it writes parses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ...grammar import print_graph, print_node
from ...ir import OPS, Graph, Module, Node
from ..edit_grammar import repairable
from ..edit_script import parse_edits
from ..edits import Delete, Edit, Insert, Replace, SetAttributes
from ..lark_text import literal
from ..naming import fresh_value
from ..op_changes import build_op, change_op
from ..view import shown
from ..vocabulary import Vocabulary, vocabulary
from .crossing import exchangeable, taken_over

MOST_NODES = 24
MOST_CHANGES = 3


def small(module: Module) -> bool:
    """Return whether a module is small enough to be written out as a whole."""
    return sum(len(graph.nodes) for graph in module.graphs) <= MOST_NODES


def write_out(module: Module) -> str:
    """Return the text of all graphs, the entry first, without types, places and notes."""
    return "\n".join(map(_text, _ordered(module)))


def child_rules(parents: Sequence[Module], allowed: frozenset[str]) -> str:
    """Return the grammar of children of typed modules, the first of which gives the lines; empty without changes."""
    lines = [line for graph in _ordered(parents[0]) for line in _lines(parents, graph, allowed)]
    writer = _Segments(lines)
    starts = list(filter(None, (writer.segment(0, len(lines), changes) for changes in range(1, MOST_CHANGES + 1))))
    return "\n".join([f"start: {' | '.join(starts)}", *writer.rules, ""]) if starts else ""


def without_identities(module: Module) -> list[Edit]:
    """Return the edits that take out what a child left out: nodes that give back their operand."""
    return [
        Delete(graph.name, node.name) for graph in module.graphs for node in graph.nodes if node.op.name == "identity"
    ]


def _ordered(module: Module) -> list[Graph]:
    return sorted(module.graphs, key=lambda graph: graph.name != module.entry)


def _text(graph: Graph) -> str:
    return print_graph(shown(graph), types=False, locations=False, notes=False)


class _Line:
    """What may stand for one node: its own text, and the texts with a change."""

    def __init__(self, kept: str, changed: Iterable[str]) -> None:
        self.kept = kept
        self.changed = tuple(dict.fromkeys(text for text in changed if text != kept))


class _Segments:
    """Writes rules for runs of lines with a given number of changes, halving each run.

    All places for the changes are then about equally likely where alternatives are drawn at random.
    """

    def __init__(self, lines: Sequence[_Line]) -> None:
        self.lines = lines
        self.rules: list[str] = []
        self.names: dict[tuple[int, int, int], str] = {}

    def segment(self, start: int, stop: int, changes: int) -> str:
        """Return the name of the rule for some lines with exactly so many changes; empty where there is none."""
        key = (start, stop, changes)
        if key not in self.names:
            options = self.leaf(start, changes) if stop - start == 1 else self.halves(start, stop, changes)
            self.names[key] = f"s{start}_{stop}_{changes}" if options else ""
            if options:
                self.rules.append(f"{self.names[key]}: {' | '.join(options)}")
        return self.names[key]

    def leaf(self, place: int, changes: int) -> list[str]:
        line = self.lines[place]
        if changes > 1:
            return []
        return [literal(text) for text in line.changed] if changes else [literal(line.kept)]

    def halves(self, start: int, stop: int, changes: int) -> list[str]:
        middle = (start + stop) // 2
        pairs = (
            (self.segment(start, middle, first), self.segment(middle, stop, changes - first))
            for first in range(changes + 1)
        )
        return [f"{first} {second}" for first, second in pairs if first and second]


def _lines(parents: Sequence[Module], graph: Graph, allowed: frozenset[str]) -> Iterator[_Line]:
    """Return the lines of a graph; its first and last line belong to those of the nodes beside them."""
    words = vocabulary(parents[0], graph, [node.name for node in graph.nodes], allowed, repairable)
    head, _, tail = _text(graph.with_nodes(())).partition("\n")
    others = [other for module in parents[1:] if module.has(graph.name) for other in [module.graph(graph.name)]]
    last = len(graph.nodes) - 1
    for place, node in enumerate(graph.nodes):
        before = f"{head}\n" if place == 0 else ""
        after = f"{tail}\n" if place == last else ""
        changed = [f"{before}{text}{after}" for text in _changed(parents[0], graph, node, words, others)]
        yield _Line(f"{before}{_line(node)}{after}", changed)


def _line(node: Node) -> str:
    return f"  {print_node(replace(node, path='', loc=None, notes={}), types=False)}\n"


def _changed(module: Module, graph: Graph, node: Node, words: Vocabulary, others: Sequence[Graph]) -> Iterator[str]:
    for other in others:
        theirs = other.producers().get(node.name)
        if theirs is not None and exchangeable(node, theirs):
            taken = taken_over(graph.name, theirs)
            if repairable(module, taken):
                yield _line(replace(node, op=build_op(taken.op, node.op)))
    for name, values in words.settings.get(node.name, {}).items():
        yield from (_set(graph, node, f"{name}={value}") for value in values)
    for option in words.replacements.get(node.name, ()):
        (edit,) = parse_edits(f"replace %{node.name} with {option}")
        assert isinstance(edit, Replace)
        yield _line(replace(node, op=build_op(edit.op, node.op)))
    if node.name in words.deletions and node.op.name != "call":
        yield _line(replace(node, op=OPS["identity"]()))
    yield from _inserted(graph, node, words)


def _set(graph: Graph, node: Node, setting: str) -> str:
    (edit,) = parse_edits(f"set %{node.name} {setting}", graph.name)
    assert isinstance(edit, SetAttributes)
    return _line(replace(node, op=change_op(node.op, dict(edit.values))))


def _inserted(graph: Graph, node: Node, words: Vocabulary) -> Iterator[str]:
    """Return a node with another one put before it, on its only operand."""
    if len(node.operands) != 1:
        return
    for option in words.insertions.get(node.operands[0], ()):
        (edit,) = parse_edits(f"after %{node.operands[0]} insert {option}")
        assert isinstance(edit, Insert)
        op = build_op(edit.op, None)
        new = Node(op, node.operands, (fresh_value(graph, f"{node.name}_{op.name}"),))
        yield _line(new) + _line(replace(node, operands=(new.name,)))
