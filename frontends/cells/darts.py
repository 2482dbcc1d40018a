"""DARTS genotypes as networks, spelt as DARTS prints them: ``Genotype(normal=[('sep_conv_3x3', 0), ...], ...)``.

The network is the one for CIFAR-10, 20 cells of 36 channels without the auxiliary head; ``width=`` and ``depth=``
beside the four fields give another (Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019).
"""

from __future__ import annotations

from ...ir import Module
from .genotype import OPERATIONS, Edge, Genotype, network
from .literal import Literal, read_literal
from .record import Record
from .text import CellText

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
DEEPEST = 128
WIDEST = 4096
MOST_STATES = 32


def decode(text: str) -> Module:
    """Return the network of a genotype, for inputs ``f32[N,3,32,32]``. Raises NascError."""
    cell = CellText("darts", text)
    literal = read_literal(cell)
    record = Record.of(cell, literal, (*FIELDS, "width", "depth"), FIELDS)
    width = record.integer("width", 1, WIDEST, 36)
    depth = record.integer("depth", 1, DEEPEST, 20)
    return network(read_genotype(record), width, depth, imagenet=False, classes=10, source=f"darts:{text}")


def read_genotype(record: Record) -> Genotype:
    """Return the genotype that the four fields of a record hold. Raises NascError."""
    normal, reduce = _edges(record, "normal"), _edges(record, "reduce")
    return Genotype(
        normal,
        record.integers("normal_concat", 0, len(normal) // 2 + 1),
        reduce,
        record.integers("reduce_concat", 0, len(reduce) // 2 + 1),
    )


def _edges(record: Record, name: str) -> tuple[Edge, ...]:
    items = record.items(name)
    if not items or len(items) % 2 or len(items) > 2 * MOST_STATES:
        hint = f"expected two for each state, for 1 to {MOST_STATES} states"
        raise record.cell.error(record.fields[name].position, f"{name} has {len(items)} operations", hint)
    if not record.items(f"{name}_concat"):
        place = record.fields[f"{name}_concat"].position
        raise record.cell.error(place, f"{name}_concat is empty", "expected the states that make the output")
    return tuple(_edge(record, item, index // 2 + 1) for index, item in enumerate(items))


def _edge(record: Record, item: Literal, newest: int) -> Edge:
    pair = item.value
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise record.cell.error(item.position, "this is no pair", 'expected ["sep_conv_3x3", 0]: operation and state')
    name = record.choice(pair[0], "operation", tuple(OPERATIONS))
    return name, record.whole(pair[1], "the state", 0, newest)
