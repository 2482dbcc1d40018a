"""The structure of a block: which node reads which, in an order that can be computed; all that is wrong with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...ir import Diagnostic, Loc, did_you_mean
from .lines import NodeLine, Section
from .operations import OPERATIONS, Operation, operation_named


@dataclass(frozen=True)
class Step:
    """One node of a block with the indexes of its operands, in the order of their edges."""

    line: NodeLine
    operation: Operation
    operands: tuple[str, ...]


class Structure:
    """The steps of a section from the input to the output, and the findings that keep it from being a block.

    ``steps`` is in the order of computation, and holds what can be looked at further: nodes of a known operation
    with as many operands as it takes. It is empty without an input and an output.
    """

    def __init__(self, section: Section, filename: str) -> None:
        """Read a section."""
        self.section = section
        self.filename = filename
        self.found: list[Diagnostic] = []
        self.nodes: dict[str, NodeLine] = {}
        self.operations: dict[str, Operation] = {}
        self.reads: dict[str, list[str]] = {}
        self.faulty: set[str] = set()
        self._define()
        cut = self._connect()
        self.input = self._only("input")
        self.output = self._only("output")
        self.steps: tuple[Step, ...] = ()
        if self.input and self.output:
            self._count_operands()
            if not cut:
                self._check_paths()
            self.steps = self._ordered()

    def report(self, message: str, hint: str, code: str, line: int, column: int = 1) -> None:
        """Keep a finding at a place."""
        self.found.append(Diagnostic(message, hint, code, Loc(self.filename, line, column)))

    def _define(self) -> None:
        for setting in self.section.settings:
            hint = "expected `index:Operation(attribute=value)` or `a,b->c`"
            self.report(f"unexpected '{setting.name}='", hint, "syntax", setting.line, setting.column)
        for line in self.section.nodes:
            if line.key in self.nodes:
                first = self.nodes[line.key].line
                hint = f"node {line.key} is made in line {first}: give this one another index"
                self.report(f"there are two nodes {line.key}", hint, "duplicate-value", line.line, line.column)
                continue
            self.nodes[line.key] = line
            self.reads[line.key] = []
            operation = operation_named(line.operation)
            if operation is not None:
                self.operations[line.key] = operation
                continue
            self.faulty.add(line.key)
            hint = did_you_mean(line.operation, OPERATIONS)
            message = f"there is no operation {line.operation!r}"
            self.report(message, hint, "unknown-op", line.line, line.operation_column)

    def _connect(self) -> bool:
        """Collect the operands of every node; return whether an edge leads to or from no node."""
        cut = False
        for edge in self.section.edges:
            missing = [place for place in (*edge.sources, edge.target) if place[0] not in self.nodes]
            for index, column in missing:
                hint = did_you_mean(index, self.nodes)
                self.report(f"there is no node {index}", hint, "undefined-value", edge.line, column)
            if missing:
                cut = True
                self.faulty.add(edge.target[0])
            else:
                self.reads[edge.target[0]] += [index for index, _ in edge.sources]
        return cut

    def _only(self, name: str) -> str:
        """Return the index of the only input or output."""
        lines = [self.nodes[i] for i, operation in self.operations.items() if operation.name == name]
        for line in lines[1:]:
            self.faulty.add(line.key)
            hint = f"node {lines[0].key} is the {name}, in line {lines[0].line}"
            self.report(f"a block has one {name}", hint, f"second-{name}", line.line, line.operation_column)
        if not lines and not self.faulty:
            hint = f"expected a line such as {'0' if name == 'input' else '1'}:{name}"
            self.report(f"##{self.section.name}## has no {name}", hint, f"no-{name}", self.section.line)
        return lines[0].key if lines else ""

    def _count_operands(self) -> None:
        for index, operation in self.operations.items():
            count = len(self.reads[index])
            fits = operation.least <= count and (operation.most is None or count <= operation.most)
            if not fits and index not in self.faulty:
                self.faulty.add(index)
                line = self.nodes[index]
                message = f"node {index} ({operation.name}) reads {_values(count)}"
                self.report(message, f"expected {_operands(operation)}", "operands", line.line, line.operation_column)

    def _check_paths(self) -> None:
        """Report what reads the output, and nodes that do not reach it, of a chain of these the last."""
        line = self.nodes[self.output]
        users = self._users()
        for user in users[self.output]:
            hint = f"node {user} reads it: read what the output reads"
            self.report("the output is no value", hint, "operands", line.line, line.operation_column)
        live = self._reached([self.output], self.reads)
        for index, line in self.nodes.items():
            if index not in live and index not in self.faulty and not users[index]:
                hint = "lead it to the output, or remove it with what only it reads"
                message = f"node {index} ({self.operations[index].name}) does not reach the output"
                self.report(message, hint, "unused", line.line, line.operation_column)

    def _users(self) -> dict[str, list[str]]:
        users: dict[str, list[str]] = {index: [] for index in self.nodes}
        for index, operands in self.reads.items():
            for operand in dict.fromkeys(operands):
                users[operand].append(index)
        return users

    @staticmethod
    def _reached(start: Iterable[str], edges: dict[str, list[str]]) -> set[str]:
        reached = set[str]()
        waiting = list(start)
        while waiting:
            index = waiting.pop()
            if index not in reached:
                reached.add(index)
                waiting += edges[index]
        return reached

    def _ordered(self) -> tuple[Step, ...]:
        """Return the steps in topological order, those that are ready in the order of the text."""
        waiting = {index: set(operands) for index, operands in self.reads.items()}
        users = self._users()
        ready = deque(index for index in self.nodes if not waiting[index])
        order: list[str] = []
        while ready:
            index = ready.popleft()
            order.append(index)
            del waiting[index]
            for user in users[index]:
                waiting[user].discard(index)
                if not waiting[user]:
                    ready.append(user)
        if waiting:
            self._report_cycle(waiting)
        sound = (index for index in order if index not in self.faulty)
        return tuple(Step(self.nodes[i], self.operations[i], tuple(self.reads[i])) for i in sound)

    def _report_cycle(self, waiting: dict[str, set[str]]) -> None:
        """Report the nodes of one cycle: from any that waits, back along what it waits for."""
        trail = [next(iter(waiting))]
        while trail[-1] not in trail[:-1]:
            trail.append(next(iter(sorted(waiting[trail[-1]] & waiting.keys()))))
        cycle: Sequence[str] = trail[trail.index(trail[-1]) :][::-1]
        line = self.nodes[cycle[0]]
        hint = "remove one of these edges: a block has no loops"
        self.report(f"the edges {'->'.join(cycle)} go round", hint, "cycle", line.line, line.column)


def _operands(operation: Operation) -> str:
    if operation.most is None:
        return f"{operation.least} or more"
    return f"{_values(operation.least)}: write a,b->c" if operation.least > 1 else _values(operation.least)


def _values(count: int) -> str:
    return f"{count or 'no'} value{'s' * (count != 1)}"
