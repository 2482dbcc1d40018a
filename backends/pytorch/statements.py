"""Statements: the body of a class's forward function, with short chains folded into one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...ir import Dim, Graph, NascError, Node, symbols_of
from .chains import Chain
from .construction import Comments, Names
from .expressions import ATOM, Code, Site, express
from .layout import call, flat, render
from .members import Plan, access, slots, tensor_access
from .quoting import WIDTH
from .recurrence import layer_targets
from .sizes import size, tight
from .variables import Variables, recover

INDENT = 8
MAX_PARTS = 3
# A parameter that takes longer to name than this is given a variable.
MAX_TENSOR = 44
# The results of these continue the older of their operands: x = out + x.
TRUNK = ("add", "mul", "sub", "cat")
# The results of these are something new, not the first operand transformed.
NEW = ("matmul", "scaled_dot_product_attention")


@dataclass(frozen=True)
class Step:
    """A node, or a chain of nodes that one nn.Sequential stands for."""

    nodes: tuple[Node, ...]
    layer: str = ""
    is_chain: bool = False

    @property
    def operands(self) -> tuple[str, ...]:
        """What the step reads."""
        return self.nodes[0].operands

    @property
    def results(self) -> tuple[str, ...]:
        """What the step makes."""
        return self.nodes[-1].results


@dataclass
class Pending:
    """An expression that is not yet assigned: it may be folded into the next statement."""

    value: str
    code: Code
    first: str
    dead: list[str] = field(default_factory=lambda: list[str]())


class Forward:
    """Writes the body of ``forward``; ``symbols`` collects those that must come from the constructor."""

    def __init__(self, plan: Plan, chains: list[Chain], comments: Comments, names: Names) -> None:
        """Prepare the steps and the variables."""
        self.plan, self.comments, self.name_of = plan, comments, names
        self.symbols: dict[str, Node] = {}
        self.lines: list[str] = []
        self._steps = steps(plan, chains)
        self._order = {name: i for i, name in enumerate(plan.graph.value_names())}
        self._last: dict[str, int] = {}
        for index, step in enumerate(self._steps):
            self._last.update(dict.fromkeys(step.operands, index))
        self._last.update(dict.fromkeys(plan.graph.outputs, len(self._steps)))
        self._uses = _use_counts(plan.graph, self._steps)
        self._locals: dict[str, str] = {}
        everything = {name for t in plan.types.values() for dim in t.shape for name in symbols_of(dim)}
        self.vars = Variables(plan.graph, plan.types, {names(name) for name in sorted(everything)})
        self._tensors = {
            value: tensor_access(plan.root, member, leaf) for value, (member, leaf) in plan.tensors.items()
        }
        self._pending: Pending | None = None

    def write(self) -> list[str]:
        """Return the lines, indented by 8."""
        for index, step in enumerate(self._steps):
            self._step(index, step)
        outputs = self.plan.graph.outputs
        if self._pending is not None and outputs == (self._pending.value,):
            self.lines += render("return ", self._pending.code.doc, INDENT)
        else:
            self._flush()
            self.lines += render("return ", ", ".join(self._code(value).text for value in outputs), INDENT)
        return [*self._prelude(), *self.lines]

    def _step(self, index: int, step: Step) -> None:
        notes = [] if step.is_chain or step.layer else self.comments(step.nodes[0], INDENT)
        if notes or (self._pending is not None and not self._folds(step)):
            self._flush()
        code = self._express(step)
        if self._pending is not None and self._length(code, step) > WIDTH:
            self._flush()
            code = self._express(step)
        dead = [name for name in dict.fromkeys(step.operands) if self._last[name] == index]
        first = self._first(step, dead)
        if self._pending is not None:
            dead += self._pending.dead
            self._pending = None
        self.lines += [" " * INDENT + line for line in notes]
        if len(step.results) == 1:
            self._pending = Pending(step.results[0], code, first, dead)
            if notes or not self._read_once(index, step.results[0]):
                self._flush()
        else:
            self._assign_many(step, code, dead)

    def _first(self, step: Step, dead: list[str]) -> str:
        """Return the value whose variable the result may take over: the first operand, or a sum's trunk."""
        sources = [
            self._pending.first if self._pending and name == self._pending.value else name for name in step.operands
        ]
        if step.nodes[0].op.name in NEW and not step.is_chain:
            return ""
        if step.nodes[0].op.name in TRUNK:
            free = {*dead, *(self._pending.dead if self._pending else ())}
            held = [name for name in sources if name in free and name in self.vars.names]
            if held:
                return min(held, key=self._order.__getitem__)
        return sources[0] if sources else ""

    def _folds(self, step: Step) -> bool:
        """Return whether the pending expression may stand inside the next one."""
        assert self._pending is not None
        limit = MAX_PARTS if step.layer or len(step.operands) == 1 else 2
        reads = step.operands.count(self._pending.value)
        return reads == 1 and self._pending.code.parts < limit

    def _read_once(self, index: int, value: str) -> bool:
        return self._uses.get(value, 0) == 1 and self._last.get(value, -1) <= index + 1

    def _code(self, value: str) -> Code:
        if self._pending is not None and value == self._pending.value:
            return self._pending.code
        if value in self._tensors:
            if len(self._tensors[value]) <= MAX_TENSOR:
                return Code(self._tensors[value], ATOM, 0)
            name = self.vars.fresh(self.plan.tensors[value][1])
            self.lines.append(f"{' ' * INDENT}{name} = {self._tensors.pop(value)}")
            self.vars.assign(value, name)
        return Code(self.vars.names[value], ATOM, 0)

    def _express(self, step: Step) -> Code:
        node = step.nodes[0]
        operands = tuple(self._code(value) for value in step.operands)
        if step.is_chain:
            parts = 1 + max(operand.parts for operand in operands)
            return Code(call(step.layer, *(operand.doc for operand in operands)), parts=parts)
        if node is self.plan.own:
            own = slots(node.op, self.plan.operands(node))
            operands += tuple(Code(f"self.{slot.name}") for slot in own)
        any_variable = self.vars.any()
        device = f"{any_variable}.device" if any_variable else ""
        types = self.plan.operands(node)
        return express(Site(node, operands, types, lambda dim: self._size(node, dim), device, step.layer))

    def _size(self, node: Node, dim: Dim) -> str:
        """Return a size as it can be read here: from an operand, another variable, or the symbols in it."""
        if isinstance(dim, int):
            return str(dim)
        return self.vars.size(dim) or size(dim, lambda name: self._symbol(node, name))

    def _symbol(self, node: Node, name: str) -> str:
        if name in self._locals:
            return self.name_of(name)
        found = recover(self.plan.graph, name)
        if found is not None:
            value, axis, rest, slope = found
            text = f"{self.vars.inputs[value]}.shape[{axis}]"
            if isinstance(rest, int) and rest < 0:
                text = f"{text} + {-rest}"
            elif rest != 0:
                text = f"{text} - {tight(size(rest, lambda other: self._symbol(node, other)))}"
            if slope != 1:
                text = f"{tight(text)} // {tight(size(slope, lambda other: self._symbol(node, other)))}"
            self._locals[name] = text
            return self.name_of(name)
        if name not in self.plan.graph.symbols:
            raise NascError.of(
                f"the size {name} in %{node.name} of @{self.plan.graph.name} is not known when the code runs",
                f"declare it: @{self.plan.graph.name}<{name}>, or use it as a size of an input",
                "emit-symbol",
            )
        self.symbols.setdefault(name, node)
        return f"self.{self.name_of(name)}"

    def _prelude(self) -> list[str]:
        return [f"{' ' * INDENT}{self.name_of(name)} = {text}" for name, text in self._locals.items()]

    def _length(self, code: Code, step: Step) -> int:
        """Return about how long the statement will be."""
        first = self._first(step, list(step.operands))
        if len(step.results) == 1 and first in self.vars.names and not self.vars.hinted(step.results[0]):
            names = [self.vars.names[first]]
        else:
            names = [self.vars.fresh(value) for value in step.results]
        return INDENT + len(", ".join(names)) + len(names) + 3 + len(flat(code.doc))

    def _target(self, value: str, first: str, dead: list[str]) -> str:
        """Return the variable for a result: that of the first operand where it is read no more."""
        if first in dead and first in self.vars.names and not self.vars.hinted(value):
            return self.vars.names[first]
        for name in dead:
            self.vars.release(name)
        if first in self._tensors:
            return self.vars.fresh(self.plan.tensors[first][1])
        return self.vars.fresh(value, () if self.vars.hinted(value) else ("out", "x"))

    def _flush(self) -> None:
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        name = self._target(pending.value, pending.first, pending.dead)
        for value in pending.dead:
            self.vars.release(value)
        self.lines += render(f"{name} = ", pending.code.doc, INDENT)
        self.vars.assign(pending.value, name)

    def _assign_many(self, step: Step, code: Code, dead: list[str]) -> None:
        for value in dead:
            self.vars.release(value)
        names: list[str] = []
        for value in step.results:
            read = self._uses.get(value, 0)
            name = self.vars.fresh(value) if read else "_"
            names.append(name)
            if read:
                self.vars.assign(value, name)
        targets = layer_targets(step.nodes[0], names) if step.layer else ", ".join(names)
        self.lines += render(f"{targets}{',' if len(names) == 1 else ''} = ", code.doc, INDENT)


def steps(plan: Plan, chains: list[Chain]) -> list[Step]:
    """Return what forward does, one step a statement at most; parameters are no steps."""
    by_node = {node.name: chain for chain in chains for node in chain.nodes}
    made: list[Step] = []
    for node in plan.graph.nodes:
        chain = by_node.get(node.name)
        if chain is not None:
            if chain.nodes[0] is node:
                made.append(Step(chain.nodes, access(plan.root, chain.member.path), is_chain=True))
        elif node.name in plan.layers:
            made.append(Step((node,), access(plan.root, plan.layers[node.name].path)))
        elif node.name not in plan.tensors:
            made.append(Step((node,)))
    return _live(made, plan.graph.outputs)


def _live(made: list[Step], outputs: tuple[str, ...]) -> list[Step]:
    """Return the steps that the outputs need; the layers of others are made but not called."""
    needed = set(outputs)
    live: list[Step] = []
    for step in reversed(made):
        if needed.intersection(step.results):
            needed.update(step.operands)
            live.append(step)
    return live[::-1]


def _use_counts(graph: Graph, made: list[Step]) -> Mapping[str, int]:
    uses: dict[str, int] = {}
    for step in made:
        for operand in step.operands:
            uses[operand] = uses.get(operand, 0) + 1
    for output in graph.outputs:
        uses[output] = uses.get(output, 0) + 1
    return uses
