"""Benchmarks as families of networks with measured accuracy: how a row of a table reads."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..frontends.cells import channel_resnet, nasbench_macro, nb101, nb201
from ..ir import Module, NascError, did_you_mean

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """A benchmark table: its file, the network of a row and its accuracy, a fraction (None: not measured)."""

    name: str
    file: str
    network: Callable[[Row], Module]
    accuracy: Callable[[Row], float | None]
    least: float = 0.0


def _fraction(text: str, unit: float) -> float | None:
    return float(text) / unit if text else None


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(
                "nb101",
                "nb101.csv.gz",
                lambda row: nb101(row["adj_upper"], row["ops"]),
                lambda row: _fraction(row["val108"], 1),
                least=0.5,
            ),
            Family(
                "nb201",
                "nb201.csv.gz",
                lambda row: nb201(row["arch"]),
                lambda row: _fraction(row["c10_test"], 100),
            ),
            Family(
                "nasbench_macro",
                "nasbench_macro.csv.gz",
                lambda row: nasbench_macro(row["arch"]),
                lambda row: _fraction(row["mean"], 100),
            ),
            Family(
                "channel_resnet",
                "channel_resnet.csv.gz",
                lambda row: channel_resnet(row["arch"]),
                lambda row: _fraction(row["mean"], 100),
            ),
        )
    }
)
"""Families by name. ``least`` leaves out networks whose training failed."""


def family(name: str) -> Family:
    """Return the family of this name. Raises NascError with the nearest name."""
    if name not in FAMILIES:
        raise NascError.of(f"there is no family {name!r}", did_you_mean(name, FAMILIES), "family")
    return FAMILIES[name]


def data_folder(given: str | Path | None = None) -> Path:
    """Return the folder of the tables: as given, else $NASC_DATA_DIR. Raises NascError without one."""
    place = given or os.environ.get("NASC_DATA_DIR")
    if not place:
        raise NascError.of(
            "the folder of the benchmark tables is not known",
            "give --data-dir DIR or set NASC_DATA_DIR",
            "data-folder",
        )
    if not Path(place).is_dir():
        raise NascError.of(f"there is no folder {place}", "give the folder that holds nb101.csv.gz", "data-folder")
    return Path(place)


def read_rows(family: Family, folder: Path) -> list[tuple[Row, float]]:
    """Return the rows of a family with their accuracies, those not measured left out. Raises NascError."""
    path = folder / family.file
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows: list[Row] = list(csv.DictReader(file))
    except OSError as error:
        raise NascError.of(
            f"{path} cannot be read: {error}", f"the family {family.name} needs it", "data-folder"
        ) from None
    pairs = [(row, family.accuracy(row)) for row in rows]
    return [(row, value) for row, value in pairs if value is not None and value > family.least]
