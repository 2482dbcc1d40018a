"""Chains: groups of layers that are used one after the other become an nn.Sequential, called once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import CallBlock, Layer, Node, Op, attributes_of
from .members import Entry, Member, Plan, given, slots
from .quoting import ON_CONTAINER, ON_MODULE, plain

# The nn classes of ops that are functions in the op table, with the attributes that they always state.
MODULES = {
    "adaptive_avg_pool1d": Layer("nn.AdaptiveAvgPool1d", ("output_size",)),
    "avg_pool1d": Layer("nn.AvgPool1d", ("kernel_size",)),
    "elu": Layer("nn.ELU"),
    "flatten": Layer("nn.Flatten", ("start_dim",)),
    "gelu": Layer("nn.GELU"),
    "glu": Layer("nn.GLU"),
    "hardsigmoid": Layer("nn.Hardsigmoid"),
    "hardswish": Layer("nn.Hardswish"),
    "hardtanh": Layer("nn.Hardtanh"),
    "leaky_relu": Layer("nn.LeakyReLU"),
    "log_softmax": Layer("nn.LogSoftmax", keyword=("dim",)),
    "max_pool1d": Layer("nn.MaxPool1d", ("kernel_size",)),
    "mish": Layer("nn.Mish"),
    "pixel_shuffle": Layer("nn.PixelShuffle", ("upscale_factor",)),
    "pixel_unshuffle": Layer("nn.PixelUnshuffle", ("downscale_factor",)),
    "relu": Layer("nn.ReLU"),
    "relu6": Layer("nn.ReLU6"),
    "selu": Layer("nn.SELU"),
    "sigmoid": Layer("nn.Sigmoid"),
    "silu": Layer("nn.SiLU"),
    "softmax": Layer("nn.Softmax", keyword=("dim",)),
    "softplus": Layer("nn.Softplus"),
    "tanh": Layer("nn.Tanh"),
}


def module_of(op: Op) -> Layer | None:
    """Return the nn class of an op, batch_norm aside (its class goes by rank)."""
    return op.torch if isinstance(op.torch, Layer) else MODULES.get(op.name)


@dataclass(frozen=True)
class Chain:
    """The nodes that one nn.Sequential stands for."""

    member: Member
    nodes: tuple[Node, ...]


def find_chains(plan: Plan) -> list[Chain]:
    """Mark the outermost groups that are chains, and return them."""
    uses: dict[str, int] = dict.fromkeys(plan.graph.outputs, 2)
    for node in plan.graph.nodes:
        for operand in node.operands:
            uses[operand] = uses.get(operand, 0) + 1
    tied = {member.path for member, _ in plan.tensors.values()}
    found: list[Chain] = []
    waiting = list(plan.root.children.values())
    while waiting:
        member = waiting.pop()
        member.chain = ()
        if member.node is not None:
            continue
        entries = _chain(plan, member, uses, tied) if len(member.nodes) else None
        if entries is None:
            waiting += member.children.values()
        else:
            member.chain = entries
            found.append(Chain(member, tuple(member.nodes)))
    return found


def _chain(plan: Plan, member: Member, uses: dict[str, int], tied: set[str]) -> tuple[Entry, ...] | None:
    if not all(_fits(plan, node) for node in member.nodes):
        return None
    for before, after in zip(member.nodes, member.nodes[1:], strict=False):
        if after.operands != before.results or uses[before.name] != 1:
            return None
    if len({plan.layers[n.name].path for n in member.nodes if n.name in plan.layers}) < sum(
        n.name in plan.layers for n in member.nodes
    ):
        return None
    entries = _entries(plan, member, member.nodes, tied)
    alone = entries is not None and len(entries) == 1 and not entries[0].name.isdecimal()
    return None if alone else entries


def _fits(plan: Plan, node: Node) -> bool:
    """Return whether a node takes one value to one value and can be written as a module."""
    if len(node.operands) != 1 or len(node.results) != 1 or given(node):
        return False
    if isinstance(node.op, CallBlock) or slots(node.op, plan.operands(node)):
        return node.name in plan.layers
    own = frozenset(plan.graph.symbols)
    return module_of(node.op) is not None and node.op.symbols() <= own


def _entries(plan: Plan, group: Member, nodes: Sequence[Node], tied: set[str]) -> tuple[Entry, ...] | None:
    if group.tensors or any(path == group.path or path.startswith(f"{group.path}.") for path in tied):
        return None
    entries: list[Entry] = []
    for name, run in _runs(plan, group, nodes):
        child = group.children.get(name)
        if child is None:
            entries += [Entry(name if len(run) == 1 else "", node) for node in run]
        elif child.node is not None:
            if child.children:
                return None
            entries += [Entry(name if i == 0 else "", node) for i, node in enumerate(run)]
        else:
            inner = _entries(plan, child, run, tied)
            if inner is None:
                return None
            child.chain = inner
            entries.append(Entry(name, None, inner))
    return _numbered(entries) or _named(entries, group)


def _runs(plan: Plan, group: Member, nodes: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    """Group neighbours by the child that they belong to."""
    start = len(group.path) + 1
    runs: list[tuple[str, list[Node]]] = []
    for node in nodes:
        path = plan.layers[node.name].path if node.name in plan.layers else node.path
        name = path[start:].split(".")[0]
        if runs and runs[-1][0] == name and name:
            runs[-1][1].append(node)
        else:
            runs.append((name, [node]))
    return runs


def _numbered(entries: Sequence[Entry]) -> tuple[Entry, ...] | None:
    """Return the entries with the gaps of their numbers filled, by steps without a number where they fit."""
    if not all(entry.name.isdecimal() or not entry.name for entry in entries):
        return None
    filled: list[Entry] = []
    for entry in entries:
        if entry.name:
            number = int(entry.name)
            if str(number) != entry.name or not len(filled) <= number <= len(filled) + 3:
                return None
            filled += [Entry(str(i)) for i in range(len(filled), number)]
        filled.append(Entry(str(len(filled)), entry.node, entry.chain))
    return tuple(filled)


def _named(entries: Sequence[Entry], group: Member) -> tuple[Entry, ...] | None:
    """Return the entries with names for those that need none in the state dict."""
    names = {entry.name for entry in entries if entry.name} | set(group.children)
    named: list[Entry] = []
    counts: dict[str, int] = {}
    for entry in entries:
        name = entry.name
        if not name:
            name = stem = entry.node.op.name if entry.node else "group"
            while name in names:
                counts[stem] = counts.get(stem, 1) + 1
                name = f"{stem}_{counts[stem]}"
            names.add(name)
        named.append(Entry(name, entry.node, entry.chain))
    used = [entry.name for entry in named]
    odd = any(name in ON_MODULE or name in ON_CONTAINER or not plain(name) for name in used)
    return None if odd or len(set(used)) != len(used) else tuple(named)


def arguments(op: Op, layer: Layer, extra: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return the positional and the keyword arguments of a layer's constructor."""
    known = {**op.attributes(), **extra}
    positional = {name: known[name] for name in layer.positional}
    stated = op.stated()
    keywords = {
        name: known[name]
        for name in attributes_of(type(op))
        if name not in positional and (name in stated or name in layer.keyword)
    }
    return positional, keywords
