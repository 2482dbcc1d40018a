"""Network Design Spaces as networks: the JSON of a cell space (genotype, depth, width) or of an AnyNet.

Radosavovic et al., "On Network Design Spaces for Visual Recognition", ICCV 2019.
"""

from __future__ import annotations

from ...ir import Module
from .anynet import BLOCKS, AnyNet, network
from .darts import DEEPEST, FIELDS, WIDEST, read_genotype
from .genotype import network as cells
from .literal import Literal, read_literal
from .record import Record
from .text import CellText

CELL = ("genotype", "depth", "width")
ANYNET = ("block_type", "ds", "ws", "ss")
STRIDES = (1, 4, 8)


def decode(text: str) -> Module:
    """Return the network of a ``net_json``.

    Cell spaces and AnyNets whose first stride is 4 or 8 take ``f32[N,3,224,224]`` and have 1,000 classes, other
    AnyNets ``f32[N,3,32,32]`` and 10. Raises NascError.
    """
    cell = CellText("nds", text)
    literal = read_literal(cell)
    fields = literal.value
    if isinstance(fields, dict) and "block_type" in fields:
        return _anynet(cell, literal)
    record = Record.of(cell, literal, (*CELL, "aux", "drop_prob"), CELL)
    genotype = read_genotype(Record.of(cell, record.fields["genotype"], FIELDS, FIELDS))
    width, depth = record.integer("width", 2, WIDEST), record.integer("depth", 1, DEEPEST)
    return cells(genotype, width, depth, imagenet=True, classes=1000, source=f"nds:{text}")


def _anynet(cell: CellText, literal: Literal) -> Module:
    record = Record.of(cell, literal, (*ANYNET, "bot_muls", "num_gs"), ANYNET)
    depths = record.integers("ds", 1, DEEPEST)
    stages = len(depths)
    if not stages:
        raise cell.error(record.fields["ds"].position, "ds is empty", "expected the blocks of each stage, stem first")
    net = AnyNet(
        record.word("block_type", tuple(BLOCKS)),
        depths,
        record.integers("ws", 1, WIDEST, stages),
        record.integers("ss", 1, 8, stages),
        record.numbers("bot_muls", 0, 16, stages) if _given(record, "bot_muls") else (1.0,) * stages,
        record.integers("num_gs", 1, WIDEST, stages) if _given(record, "num_gs") else (1,) * stages,
    )
    if net.strides[0] not in STRIDES:
        place = record.items("ss")[0].position
        raise cell.error(place, f"no stem has stride {net.strides[0]}", "expected 1 (CIFAR-10), 4 or 8 (ImageNet)")
    return network(net, source=f"nds:{cell.text}")


def _given(record: Record, name: str) -> bool:
    return name in record.fields and bool(record.items(name))
