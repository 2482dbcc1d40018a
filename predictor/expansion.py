"""A module as one flat list of node signatures; a block is expanded once for each way it is called.

The list is what :func:`nasc.passes.inline` would give, without making its nodes: a benchmark's network of
fifteen equal cells costs one cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ..ir import CallBlock, Dim, Graph, Module, Op, TensorType, bind, callees, checked, evaluate, memoised
from ..ir.op import Types
from .signatures import Signature, signature

INPUT = -1
Values = tuple[tuple[str, Dim], ...]


@dataclass(slots=True)
class Expansion:
    """Signatures in topological order; operands and outputs are indices of nodes, inputs are negative.

    Input i of the graph is ``INPUT - i``. ``names`` are the values of the entry graph's own nodes, for
    masking.
    """

    signatures: list[Signature] = field(default_factory=list[Signature])
    operands: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    outputs: tuple[int, ...] = ()
    names: dict[str, int] = field(default_factory=dict[str, int])
    positions: float = 1.0


def expand(module: Module) -> Expansion:
    """Return the expansion of a module's entry graph; types that are left out are inferred.

    Raises NascError where types are left out and cannot be inferred.
    """
    if not all(node.types for graph in module.graphs for node in graph.nodes):
        module = checked(module)
    main = module.main
    expansion = _expand(module, main, tuple(i.type for i in main.inputs), ())
    sizes = [signature_positions(i.type) for i in main.inputs]
    expansion.positions = max(sizes, default=1.0)
    return expansion


def signature_positions(type: TensorType) -> float:
    """Return the number of positions of an input: pixels of an image, tokens of a sequence."""
    sizes = [evaluate(size) for size in type.shape]
    total = 1
    for size in sizes[2:] if len(sizes) > 2 else sizes[1:]:
        total *= size
    return float(max(total, 1))


def _expand(module: Module, graph: Graph, inputs: Types, values: Values) -> Expansion:
    out = Expansion()
    where = {value.name: INPUT - i for i, value in enumerate(graph.inputs)}
    types = dict(zip((value.name for value in graph.inputs), inputs, strict=True))
    for node in graph.nodes:
        op, results = _substituted(node.op, node.types, values) if values else (node.op, node.types)
        types.update(zip(node.results, results, strict=True))
        operands = tuple(where[name] for name in node.operands)
        operand_types = tuple(types[name] for name in node.operands)
        if isinstance(op, CallBlock):
            made = _splice(out, _called(module, op, operand_types), operands)
        else:
            out.names[node.name] = len(out.signatures)
            made = (len(out.signatures),) * len(node.results)
            out.signatures.append(signature(op, operand_types, results))
            out.operands.append(operands)
        where.update(zip(node.results, made, strict=True))
    out.outputs = tuple(where[name] for name in graph.outputs)
    return out


@lru_cache(maxsize=65536)
def _substituted(op: Op, types: Types, values: Values) -> tuple[Op, Types]:
    mapping = dict(values)
    return op.substitute(mapping), tuple(t.substitute(mapping) for t in types)


@memoised
def _instances(graph: Graph) -> dict[tuple[Types, object], Expansion]:
    """Return the expansions made so far of one block that calls no other."""
    return {}


def _called(module: Module, op: CallBlock, operands: Types) -> Expansion:
    callee = module.graph(op.callee)
    known = {} if callees(callee) else _instances(callee)
    key = (operands, op.arguments)
    if key not in known:
        bound = bind(callee, op, operands)
        values = tuple((name, value) for name, value in bound.items() if str(value) != name)
        known[key] = _expand(module, callee, operands, values)
    return known[key]


def _splice(out: Expansion, block: Expansion, operands: tuple[int, ...]) -> tuple[int, ...]:
    """Append a block's nodes; its inputs become the operands. Returns where its outputs are."""
    offset = len(out.signatures)
    out.signatures += block.signatures
    out.operands += [tuple(i + offset if i >= 0 else operands[INPUT - i] for i in items) for items in block.operands]
    return tuple(i + offset if i >= 0 else operands[INPUT - i] for i in block.outputs)
