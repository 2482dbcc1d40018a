"""PyTorch source: a Python file with one nn.Module class a graph, as a person would have written it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...ir import Graph, Module, NascError, Node, callees, checked
from .chains import find_chains
from .construction import Constructor
from .members import Block, CollisionError, Plan, plan, state_keys
from .quoting import class_name, comment, docstring, identifier
from .statements import Forward
from .tables import Tables


def emit_torch(module: Module, header: Sequence[str] = (), *, relevance: bool = False) -> str:
    """Return the text of a Python file whose ``build_model()`` returns the entry graph as an nn.Module.

    Args:
        module: any module that ``checked`` accepts; types may be left out.
        header: lines for the file's docstring: where the model comes from, what was edited.
        relevance: write each layer's ``relevance`` note as a comment.

    The layers keep the names of their paths, so a state dict of the source model loads by its own keys. The
    text needs torch alone, and holds nothing of the module but quoted literals and checked identifiers.
    Raises NascError where the module is wrong or holds what PyTorch cannot.
    """
    whole = checked(module)
    try:
        return _File(whole, relevance).write(header)
    except CollisionError:
        from ...passes import inline

        return _File(checked(inline(whole)), relevance).write(header)


@dataclass
class _Class:
    """One class of the file, ready to be written."""

    name: str
    arguments: tuple[str, ...]
    lines: list[str]
    keys: frozenset[str]


@dataclass
class _File:
    module: Module
    relevance: bool
    tables: Tables = field(default_factory=Tables)
    symbols: dict[str, str] = field(default_factory=lambda: dict[str, str]())

    def write(self, header: Sequence[str]) -> str:
        blocks: dict[str, Block] = {}
        names: set[str] = {"build_model", "table"}
        body: list[str] = []
        for graph in _reachable(self.module):
            graph = without_identities(graph)
            name = class_name(graph.scopes.get("", "") or graph.name, names)
            names.add(name)
            made = self._class(graph, name, blocks)
            blocks[graph.name] = Block(graph, name, made.arguments, made.keys)
            body += ["", "", *made.lines]
        entry = blocks[self.module.entry]
        body += self.tables.write() and ["", *self.tables.write()[1:]]
        body += _build_model(entry, self._symbol)
        title = f"{entry.name}: PyTorch source written by nasc."
        lines = [*docstring([title, *([""] if header else []), *header]), "", *_imports(body), *body]
        return "\n".join(lines) + "\n"

    def _symbol(self, name: str) -> str:
        if name not in self.symbols:
            self.symbols[name] = identifier(name, set(self.symbols.values()))
        return self.symbols[name]

    def _comments(self, node: Node, indent: int) -> list[str]:
        lines: list[str] = []
        if "edit" in node.notes:
            lines += comment(f"edit: {node.notes['edit']}", indent)
        if self.relevance and isinstance(node.notes.get("relevance"), (int, float)):
            lines += comment(f"relevance: {node.notes['relevance']:+.3f}", indent)
        return lines

    def _class(self, graph: Graph, name: str, blocks: Mapping[str, Block]) -> _Class:
        made = plan(graph, blocks)
        chains = find_chains(made)
        constructor = Constructor(made, blocks, self.tables, self._comments, self._symbol)
        built = constructor.write()
        forward = Forward(made, chains, self._comments, self._symbol)
        flow = forward.write()
        needed = {**constructor.symbols, **forward.symbols}
        arguments = _arguments(self.module, graph, needed)
        stored = [f"        self.{s} = {s}" for s in map(self._symbol, forward.symbols)]
        init = _init([self._symbol(argument) for argument in arguments], [*stored, *built])
        lines = [
            f"class {name}(nn.Module):",
            *docstring([_signature(graph)], 4),
            "",
            *init,
            _forward_head(made, forward),
            *flow,
        ]
        return _Class(name, arguments, lines, state_keys(made, blocks))


def _init(arguments: list[str], body: list[str]) -> list[str]:
    if not body:
        return []
    given = "".join(f", {name}: int" for name in arguments)
    return [f"    def __init__(self{given}) -> None:", "        super().__init__()", *body, ""]


def _forward_head(made: Plan, forward: Forward) -> str:
    inputs = "".join(f", {name}: Tensor" for name in forward.vars.inputs.values())
    count = len(made.graph.outputs)
    result = "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"
    return f"    def forward(self{inputs}) -> {result}:"


def _signature(graph: Graph) -> str:
    inputs = ", ".join(str(value.type) for value in graph.inputs)
    outputs = ", ".join(map(str, graph.output_types))
    return f"{inputs} -> {outputs}."


def _arguments(module: Module, graph: Graph, needed: Mapping[str, Node]) -> tuple[str, ...]:
    """Return the symbols that a constructor takes, declared ones first. Raises NascError for a batch size."""
    declared = [name for name in graph.symbols if name in needed]
    others = [name for name in needed if name not in graph.symbols]
    if others and graph.name == module.entry:
        node = needed[others[0]]
        raise NascError.of(
            f"the layer {node.path or node.name} has weights whose size is the input's {others[0]}",
            f"expected a fixed size; give {others[0]} a number in the types of the inputs",
            "emit-symbol",
        )
    return (*declared, *others)


def _build_model(entry: Block, symbol: object) -> list[str]:
    names = [symbol(name) for name in entry.arguments] if callable(symbol) else []
    given = ", ".join(f"{name}: int" for name in names)
    passed = ", ".join(f"{name}={name}" for name in names)
    return [
        "",
        "",
        f"def build_model({given}) -> nn.Module:",
        '    """Return the model, freshly initialised."""',
        f"    return {entry.name}({passed})",
    ]


def _imports(body: list[str]) -> list[str]:
    """Return the imports that the code needs, found in its syntax tree."""
    used = {node.id for node in ast.walk(ast.parse("\n".join(body))) if isinstance(node, ast.Name)}
    standard = [f"import {name}" for name in ("base64", "zlib") if name in used]
    standard += ["from collections import OrderedDict"] if "OrderedDict" in used else []
    torch = ["import torch"] if "torch" in used else []
    torch += ["import torch.nn.functional as F"] if "F" in used else []
    return [*standard, *([""] if standard else []), *torch, "from torch import Tensor, nn"]


def _reachable(module: Module) -> Iterator[Graph]:
    """Return the entry and the graphs that it calls, callees first."""
    order: dict[str, Graph] = {}
    waiting = [(module.main, False)]
    while waiting:
        graph, done = waiting.pop()
        if done:
            order.setdefault(graph.name, graph)
        elif graph.name not in order:
            waiting.append((graph, True))
            waiting += [(module.graph(name), False) for name in reversed(callees(graph))]
    return iter(order.values())


def without_identities(graph: Graph) -> Graph:
    """Return the graph without nodes that do nothing: identity, and dropout that drops nothing."""
    names: dict[str, str] = {}
    kept: list[Node] = []
    for node in graph.nodes:
        operands = tuple(names.get(name, name) for name in node.operands)
        nothing = node.op.name == "identity" or (
            node.op.name in ("dropout", "feature_dropout") and getattr(node.op, "p", None) == 0.0
        )
        if nothing:
            names[node.name] = operands[0]
        else:
            kept.append(node if operands == node.operands else replace(node, operands=operands))
    outputs = [names.get(name, name) for name in graph.outputs]
    return graph.with_nodes(kept, outputs) if names else graph
