"""Repairs of calls: their operands are projected to what the block takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...ir import CallBlock, Dim, Expr, Graph, Module, NascError, Node, TensorType, bind, solve, substitute, symbols_of
from ...ir.inference import result_types
from .projection import adapt, to_rank
from .workspace import Workspace


def call(work: Workspace, node: Node) -> Node | None:
    """Return a call whose operands have the types of the block's inputs."""
    op = node.op
    block = work.blocks.get(op.callee) if isinstance(op, CallBlock) else None
    if not isinstance(op, CallBlock) or block is None:
        return None
    if set(dict(op.arguments)) != set(block.symbols) or len(block.inputs) != len(node.operands):
        return None
    values: dict[str, Dim] = dict(op.arguments)
    operands: list[str] = []
    for formal, value in zip(block.inputs, node.operands, strict=True):
        if work.type(value).rank != formal.type.rank:
            value = to_rank(work, value, formal.type.rank)
        _bind_sizes(formal.type, work.type(value), values)
        if any(symbols_of(dim) - values.keys() for dim in formal.type.shape):
            return None
        operands.append(adapt(work, value, formal.type.substitute(values)))
    return replace(node, operands=tuple(operands)) if tuple(operands) != node.operands else None


def check_instance(work: Workspace, node: Node) -> None:
    """Hold the body of a block to the sizes of one call. Raises NascError where it does not type-check."""
    if isinstance(node.op, CallBlock) and node.op.callee in work.blocks and not work.failed:
        values = bind(work.blocks[node.op.callee], node.op, work.operand_types(node))
        _check(work, node.op.callee, values)


def _check(work: Workspace, name: str, values: Mapping[str, Dim]) -> None:
    key = (name, tuple(sorted(values.items(), key=lambda item: item[0])))
    if key in work.known_instances:
        return
    block = work.blocks[name]
    types = {value.name: value.type.substitute(values) for value in block.inputs}
    for node in block.nodes:
        op = node.op.substitute(values)
        operands = tuple(types[value] for value in node.operands)
        try:
            types.update(zip(node.results, result_types(op, operands, work.blocks), strict=False))
            if isinstance(op, CallBlock):
                _check(work, op.callee, bind(work.blocks[op.callee], op, operands))
        except (NascError, ZeroDivisionError) as error:
            raise _within(block, node, values, error) from None
    work.known_instances.add(key)


def check_sizes(work: Workspace, node: Node) -> None:
    """Hold a node of a block to the sizes of all calls that are known. Raises NascError where it does not fit."""
    operands = work.operand_types(node)
    for values in work.instances:
        result_types(node.op.substitute(values), tuple(t.substitute(values) for t in operands), work.blocks)


def instances(module: Module) -> dict[str, list[dict[str, Dim]]]:
    """Return, for each block, the numbers that its symbols stand for at each place where it runs."""
    found: dict[str, list[dict[str, Dim]]] = {module.entry: [{}]}
    waiting = [module.entry]
    while waiting:
        graph = module.graph(waiting.pop())
        types = graph.value_types()
        for node in graph.nodes:
            if not isinstance(node.op, CallBlock) or any(name not in types for name in node.operands):
                continue
            try:
                values = bind(module.graph(node.op.callee), node.op, tuple(types[name] for name in node.operands))
            except (NascError, ZeroDivisionError):
                continue
            known = found.setdefault(node.op.callee, [])
            for outer in found[graph.name]:
                inner = {name: substitute(value, outer) for name, value in values.items()}
                if inner not in known:
                    known.append(inner)
                    waiting.append(node.op.callee)
    return found


def _within(block: Graph, node: Node, values: Mapping[str, Dim], error: Exception) -> NascError:
    given = ", ".join(f"{name}={value}" for name, value in values.items())
    found = error.diagnostics[0] if isinstance(error, NascError) else None
    message = found.message if found else "a size is divided by zero"
    return NascError.of(
        f"with {given}, %{node.name} of @{block.name} does not fit: {message}",
        found.hint if found else "expected sizes >= 1",
        found.code if found else "type",
    )


def _bind_sizes(formal: TensorType, actual: TensorType, values: dict[str, Dim]) -> None:
    for pattern, size in zip(formal.shape, actual.shape, strict=True):
        found = solve(pattern, size, values) if isinstance(pattern, Expr) else None
        if found is not None and found[0] not in values:
            name, value = found
            if substitute(pattern, {**values, name: value}) == size or value != 0:
                values[name] = value
