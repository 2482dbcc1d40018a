"""The writer of one ONNX graph: collects nodes, names values, computes symbolic sizes once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx_ir

from ...ir import Dim, DType, Expr, FloorDiv, Graph, NascError, Node, TensorType, symbol
from ..pytorch.variables import recover
from .values import DATA_TYPES, array, integers

Value = onnx_ir.Value


@dataclass
class Writer:
    """The nodes of one graph or function so far.

    ``weight`` gives the value of a state-dict key; ``values`` are the ONNX values of the IR's.
    """

    graph: Graph
    opset: int
    weight: Callable[[Node, str, TensorType], Value]
    taken: set[str]
    values: dict[str, Value] = field(default_factory=lambda: dict[str, Value]())
    nodes: list[onnx_ir.Node] = field(default_factory=lambda: list[onnx_ir.Node]())
    _sizes: dict[Dim, Value] = field(default_factory=lambda: dict[Dim, Value]())
    _counts: dict[str, int] = field(default_factory=lambda: dict[str, int]())

    def fresh(self, name: str) -> str:
        """Return the name, numbered where it is taken."""
        candidate = name
        while candidate in self.taken:
            self._counts[name] = self._counts.get(name, 0) + 1
            candidate = f"{name}_{self._counts[name]}"
        self.taken.add(candidate)
        return candidate

    def add(
        self, scope: str, type: str, inputs: Sequence[Value | None], outputs: int = 1, **attributes: Any
    ) -> tuple[Value, ...]:
        """Add a node called after its scope and type, and return its results."""
        name = self.fresh(f"{scope}/{type}")
        made = [Value(name=name if outputs == 1 else self.fresh(f"{name}/{place}")) for place in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(onnx_ir.node(type, inputs, given, outputs=made, name=name))
        return tuple(made)

    def constant(self, scope: str, tensor: onnx_ir.TensorProtocol) -> Value:
        """Add a constant of the architecture."""
        return self.add(scope, "Constant", [], value=onnx_ir.AttrTensor("value", tensor))[0]

    def size(self, dim: Dim, node: Node) -> Value:
        """Return a size as an int64 tensor of one element; one that is symbolic is computed once, from the inputs."""
        if dim not in self._sizes:
            self._sizes[dim] = self._computed(dim, node)
        return self._sizes[dim]

    def _computed(self, dim: Dim, node: Node) -> Value:
        if isinstance(dim, int):
            return self.constant("sizes", integers([dim]))
        if str(dim).isidentifier():
            return self._symbol(str(dim), node)
        total: Value | None = None
        for monomial, coefficient in dim.terms:
            term: Value | None = None
            for atom in monomial:
                factor = self._quotient(atom, node) if isinstance(atom, FloorDiv) else self.size(symbol(atom), node)
                term = factor if term is None else self.add("sizes", "Mul", [term, factor])[0]
            if coefficient != 1 or term is None:
                number = self.size(coefficient, node)
                term = number if term is None else self.add("sizes", "Mul", [term, number])[0]
            total = term if total is None else self.add("sizes", "Add", [total, term])[0]
        assert total is not None
        return total

    def _quotient(self, atom: FloorDiv, node: Node) -> Value:
        """Return the quotient rounded down; ONNX rounds towards zero, so the remainder is taken off first."""
        numerator, divisor = self.size(atom.numerator, node), self.size(atom.denominator, node)
        negative = isinstance(atom.numerator, Expr) and any(c < 0 for _, c in atom.numerator.terms)
        if negative:
            rest = self.add("sizes", "Mod", [numerator, divisor])[0]
            numerator = self.add("sizes", "Sub", [numerator, rest])[0]
        return self.add("sizes", "Div", [numerator, divisor])[0]

    def _symbol(self, name: str, node: Node) -> Value:
        found = recover(self.graph, name)
        if found is None:
            raise NascError.of(
                f"the size {name} in %{node.name} of @{self.graph.name} is not known when the model runs",
                "use it as a size of an input, or expand the calls",
                "emit-symbol",
            )
        source, axis, rest, slope = found
        value = self.add("sizes", "Shape", [self.values[source]], start=axis, end=axis + 1)[0]
        if rest != 0:
            value = self.add("sizes", "Sub", [value, self.size(rest, node)])[0]
        if slope != 1:
            value = self.add("sizes", "Div", [value, self.size(slope, node)])[0]
        return value


@dataclass(frozen=True)
class Site:
    """Where an op is written: its node, its operands with their types, its weights by slot, and the writer."""

    node: Node
    operands: tuple[Value, ...]
    types: tuple[TensorType, ...]
    weights: dict[str, Value]
    writer: Writer

    @property
    def x(self) -> Value:
        """The first operand."""
        return self.operands[0]

    @property
    def type(self) -> TensorType:
        """The type of the first operand."""
        return self.types[0]

    @property
    def result(self) -> TensorType:
        """The type of the first result."""
        return self.node.types[0]

    @property
    def opset(self) -> int:
        """The version of the operators."""
        return self.writer.opset

    def get(self, name: str) -> Any:
        """Return an attribute of the op."""
        return getattr(self.node.op, name)

    def add(self, type: str, *inputs: Value | None, **attributes: Any) -> Value:
        """Add a node and return its result."""
        return self.writer.add(self.node.name, type, inputs, **attributes)[0]

    def add_many(self, type: str, count: int, *inputs: Value | None, **attributes: Any) -> tuple[Value, ...]:
        """Add a node with several results."""
        return self.writer.add(self.node.name, type, inputs, count, **attributes)

    def number(self, value: object, dtype: DType | None = None) -> Value:
        """Return a scalar, or a nested list of numbers; of the first operand's dtype by default."""
        if isinstance(value, Expr):
            return self.cast(self.scalar(self.writer.size(value, self.node)), DType.I64, dtype or self.type.dtype)
        return self.writer.constant(self.node.name, array(value, dtype or self.type.dtype))

    def axes(self, *values: int) -> Value:
        """Return int64 numbers in a row."""
        return self.writer.constant(self.node.name, integers(values))

    def scalar(self, value: Value) -> Value:
        """Return a tensor of one element as a scalar."""
        return self.add("Squeeze", value)

    def size(self, dim: Dim) -> Value:
        """Return a size as a tensor of one element."""
        return self.writer.size(dim, self.node)

    def sizes(self, dims: Sequence[Dim]) -> Value:
        """Return sizes in a row, computed where they are symbolic."""
        if all(isinstance(dim, int) for dim in dims):
            return self.axes(*(dim for dim in dims if isinstance(dim, int)))
        return self.add("Concat", *(self.size(dim) for dim in dims), axis=0)

    def fixed(self, dims: Sequence[Dim], what: str) -> list[int]:
        """Return sizes that ONNX wants as numbers. Raises NascError where one is symbolic."""
        for dim in dims:
            if not isinstance(dim, int):
                raise self.error(
                    f"ONNX needs {what} of {self.node.op.name} as a number, not {dim}",
                    "give the inputs fixed sizes there",
                )
        return [dim for dim in dims if isinstance(dim, int)]

    def error(self, message: str, hint: str) -> NascError:
        """Return the error that this op cannot be written; the place is added to it."""
        return NascError.of(message, hint, "onnx")

    def cast(self, value: Value, present: DType, wanted: DType) -> Value:
        """Return a value in another dtype; itself where it has it."""
        return value if present is wanted else self.add("Cast", value, to=int(DATA_TYPES[wanted]))

    def reshaped(self, value: Value, present: Sequence[Dim], shape: Sequence[Dim]) -> Value:
        """Return a value of a known shape in another one; sizes are computed only where nothing simpler says them."""
        if tuple(present) == tuple(shape):
            return value
        if 0 in shape:
            return self.add("Reshape", value, self.sizes(shape), allowzero=1)
        kept = [i < len(present) and present[i] == size and not isinstance(size, int) for i, size in enumerate(shape)]
        short: list[Dim] = [0 if same else size for same, size in zip(kept, shape, strict=True)]
        open_sizes = [i for i, size in enumerate(short) if not isinstance(size, int)]
        if len(open_sizes) == 1 and -1 not in short:
            short[open_sizes[0]] = -1
        return self.add("Reshape", value, self.sizes(short))
