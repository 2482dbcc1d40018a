"""The builder: makes a graph node by node, inferring types and naming values on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .diagnostics import Diagnostic, Loc, NascError
from .dims import Dim
from .graph import CallBlock, Graph, Input, Module, Node
from .inference import result_types
from .op import Op, build
from .ops import OPS
from .types import TensorType


class Builder:
    """Collects nodes in topological order; values are their names.

    >>> from nasc.ir import Builder, f32
    >>> b = Builder("main")
    >>> x = b.input("x", f32(1, 3, 32, 32))
    >>> y = b("conv2d", x, out_channels=8, kernel_size=3, path="stem")
    >>> b.finish(y).node("stem").type.shape
    (1, 8, 30, 30)
    """

    def __init__(
        self, name: str = "main", symbols: Iterable[str] = (), blocks: Mapping[str, Graph] | None = None
    ) -> None:
        """Start a graph; ``blocks`` are the graphs that it may call."""
        self.name = name
        self.symbols = tuple(symbols)
        self.blocks = blocks or {}
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self._counts: dict[str, int] = {}

    def input(self, name: str, type: TensorType) -> str:
        """Add an input."""
        name = self.fresh(name)
        self.inputs.append(Input(name, type))
        self.types[name] = type
        return name

    def __call__(
        self,
        op: str,
        *operands: str,
        path: str = "",
        name: str = "",
        loc: Loc | None = None,
        **attributes: object,
    ) -> str:
        """Add a node with one result, named after its layer, and return the value."""
        (only,) = self.add(build(OPS[op], attributes), operands, path=path, name=name, loc=loc)
        return only

    def call(self, callee: str, *operands: str, path: str = "", name: str = "", **arguments: Dim) -> tuple[str, ...]:
        """Add a call of a block and return its results."""
        op = CallBlock(callee=callee, arguments=tuple(arguments.items()))
        return self.add(op, operands, path=path, name=name or path or callee)

    def add(
        self, op: Op, operands: Iterable[str], *, path: str = "", name: str = "", loc: Loc | None = None
    ) -> tuple[str, ...]:
        """Add a node and return its results. Raises NascError, with layer and line, where one is wrong."""
        operands = tuple(operands)
        try:
            types = result_types(op, tuple(self.types[value] for value in operands), self.blocks)
        except NascError as error:
            raise NascError(*(_at(d, self.name, name, path, loc) for d in error.diagnostics)) from None
        stem = name or (
            path if path and (op.state(tuple(self.types[v] for v in operands[:1])) if operands else ()) else ""
        )
        stem = stem or (f"{path}.{op.name}" if path else op.name)
        results = tuple(self.fresh(stem) for _ in types)
        self.types.update(zip(results, types, strict=True))
        self.nodes.append(Node(op, operands, results, types, path, loc))
        return results

    def fresh(self, stem: str) -> str:
        """Return a value name that is not taken: ``conv``, ``conv_1``, ``conv_2``."""
        stem = "".join(c if c.isalnum() or c in "._" else "_" for c in stem).strip(".") or "value"
        stem = stem if not stem[0].isdigit() else f"_{stem}"
        while True:
            count = self._counts.get(stem, 0)
            self._counts[stem] = count + 1
            name = f"{stem}_{count}" if count else stem
            if name not in self.types:
                return name

    def finish(self, *outputs: str, scopes: Mapping[str, str] | None = None) -> Graph:
        """Return the graph."""
        return Graph(
            self.name,
            tuple(self.inputs),
            tuple(self.nodes),
            outputs,
            self.symbols,
            tuple(self.types[name] for name in outputs),
            MappingProxyType(dict(scopes or {})),
        )

    def module(self, *outputs: str, **notes: str) -> Module:
        """Return a module of this graph and the blocks it may call."""
        return Module((self.finish(*outputs), *self.blocks.values()), self.name, MappingProxyType(dict(notes)))


def _at(diagnostic: Diagnostic, graph: str, node: str, path: str, loc: Loc | None) -> Diagnostic:
    return Diagnostic(
        diagnostic.message,
        diagnostic.hint,
        diagnostic.code,
        None,
        graph,
        node,
        path,
        loc,
        diagnostic.severity,
    )
