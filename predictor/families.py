"""Benchmarks as families of networks with measured accuracy: how a row of a table reads."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from types import MappingProxyType

from ..frontends.cells import decode
from ..ir import Module, NascError, did_you_mean

Row = Mapping[str, str]
TASKS = ("cifar10", "cifar100", "imagenet16", "imagenet", "scenes")
"""What the networks of the tables were trained on; ``scenes`` is the scene classification of TransNAS-Bench-101."""


@dataclass(frozen=True, slots=True)
class Family:
    """A benchmark table: its file, how a row names its network, and its measured accuracies as fractions.

    ``decoder`` is the name of the cell strings and ``column`` holds them. ``tasks`` maps tasks to columns, the
    first being what the family is ranked by; ``labels`` are other columns of the same tasks, to be trained on
    (validation, where the ranking is by test). ``unit`` is 1 or 100. ``space`` picks the rows of one space, and
    ``least`` leaves out networks whose training failed, ``keep`` other rows. A family of the decoder ``model`` names
    models of a library, which are built to be read; a model
    that has several rows counts ``once``, with the first. ``shard`` networks go into each file of the cache.
    """

    name: str
    file: str
    decoder: str
    tasks: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    column: str = "arch"
    unit: float = 100.0
    space: str = ""
    least: float = 0.0
    network_text: Callable[[Row], str] | None = field(default=None, repr=False)
    keep: Callable[[Row], bool] | None = field(default=None, repr=False)
    once: bool = False
    shard: int = 500

    @property
    def task(self) -> str:
        """The task that the family is ranked by."""
        return next(iter(self.tasks))

    def text(self, row: Row) -> str:
        """Return the string that names the network of a row."""
        return self.network_text(row) if self.network_text else row[self.column]

    def network(self, row: Row) -> Module:
        """Return the network of a row. Raises NascError where it cannot be read."""
        if self.decoder == "model":
            from ..frontends import lower_source

            return lower_source(self.text(row)).module
        return decode(self.decoder, self.text(row))

    def accuracies(self, row: Row) -> tuple[float | None, ...]:
        """Return the accuracy in each task, then the labels of each, fractions (None: not measured)."""
        columns = (*self.tasks.values(), *(self.labels or self.tasks).values())
        return tuple(float(row[c]) / self.unit if row[c] else None for c in columns)


NDS = {
    "nds_amoeba": "Amoeba",
    "nds_darts": "DARTS",
    "nds_darts_fixed": "DARTS_fix-w-d",
    "nds_darts_lr": "DARTS_lr-wd",
    "nds_enas": "ENAS",
    "nds_nasnet": "NASNet",
    "nds_pnas": "PNAS",
    "nds_resnext_a": "ResNeXt-A",
    "nds_resnext_b": "ResNeXt-B",
    "nds_resnet_lr": "ResNet_lr-wd",
    "nds_vanilla_lr": "Vanilla_lr-wd",
}
"""Spaces of Network Design Spaces: our name and the table's. Where a name ends in ``_lr``, the learning rate
and weight decay were drawn at random too."""


def _nb101_text(row: Row) -> str:
    return f"{row['adj_upper']}:{row['ops']}"


SMALL_PARAMS, SMALL_MACS = 60e6, 12e9
"""Named models beyond these sizes are left out: each is built to be read, which takes memory and time."""


def _small(params: str, unit: float, giga_macs: str) -> bool:
    """Return whether a model is small enough to be built; one whose sizes are not told is not."""
    size, work = (float(text.replace(",", "") or "inf") for text in (params, giga_macs))
    return size * unit <= SMALL_PARAMS and work * 1e9 <= SMALL_MACS


def _timm_text(row: Row) -> str:
    return f"timm:{row['arch']}"


def _timm_kept(row: Row) -> bool:
    return row["in1k_only_guess"] == "1" and _small(row["params_M"], 1e6, row["gmacs"])


def _torchvision_text(row: Row) -> str:
    return f"torchvision:{row['arch']}"


def _torchvision_kept(row: Row) -> bool:
    return row["weights"] == "IMAGENET1K_V1" and _small(row["params"], 1.0, row["gflops"])


def _models() -> tuple[Family, ...]:
    """Return the families of named models, trained on ImageNet-1k alone."""
    task = {"imagenet": "top1"}
    return (
        Family(
            "timm", "timm_imagenet.csv.gz", "model", task, network_text=_timm_text, keep=_timm_kept, once=True, shard=10
        ),
        Family(
            "torchvision",
            "torchvision_imagenet.csv",
            "model",
            task,
            network_text=_torchvision_text,
            keep=_torchvision_kept,
            once=True,
            shard=10,
        ),
    )


def _all() -> tuple[Family, ...]:
    scores = {"cifar10": "c10_test", "cifar100": "c100_test", "imagenet16": "in16_test"}
    labels = {"cifar10": "c10_val", "cifar100": "c100_val", "imagenet16": "in16_val"}
    cifar, scenes = {"cifar10": "mean"}, {"scenes": "class_scene_val"}
    return (
        Family("nb101", "nb101.csv.gz", "nb101", {"cifar10": "val108"}, unit=1, least=0.5, network_text=_nb101_text),
        Family("nb201", "nb201.csv.gz", "nb201", scores, labels),
        Family("transnas_micro", "transnas101_micro.csv.gz", "transnas_micro", scenes),
        Family("transnas_macro", "transnas101_macro.csv.gz", "transnas_macro", scenes),
        Family("macro", "nasbench_macro.csv.gz", "macro", cifar),
        Family("channel", "channel_resnet.csv.gz", "channel", cifar),
        Family("ofa", "ofa_mbv3_w10.csv.gz", "ofa", {"imagenet": "in1k_top1_supernet"}),
        Family("accel", "accel_nasbench.csv.gz", "accel", {"imagenet": "in1k_top1_proxy"}),
        *(
            Family(name, "nds_imagenet.csv.gz", "nds", {"imagenet": "top1_last"}, column="net_json", space=space)
            for name, space in NDS.items()
        ),
        *_models(),
    )


FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _all()})
"""Families by name."""


def family(name: str) -> Family:
    """Return the family of this name. Raises NascError with the nearest name."""
    if name not in FAMILIES:
        raise NascError.of(f"there is no family {name!r}", did_you_mean(name, FAMILIES), "family")
    return FAMILIES[name]


def related(name: str, other: str) -> bool:
    """Return whether two families are one space of networks, so that leaving one out means leaving both out."""
    spaces = (("nds_darts",), ("timm", "torchvision"))
    return name == other or any(name.startswith(s) and other.startswith(s) for s in spaces)


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


def read_rows(family: Family, folder: Path) -> list[tuple[Row, tuple[float, ...]]]:
    """Return the rows of a family with accuracies and labels, those not measured left out. Raises NascError."""
    path = folder / family.file
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            rows: list[Row] = [row for row in csv.DictReader(file) if row.get("space", "") == family.space]
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise NascError.of(
            f"{path} cannot be read: {error}", f"the family {family.name} needs it", "data-folder"
        ) from None
    try:
        found = _measured(family, rows)
    except (KeyError, TypeError, ValueError) as error:
        raise NascError.of(
            f"{path} is not the table of {family.name}: {type(error).__name__}: {error}",
            "expected the file as it was published, with all of its columns",
            "data-folder",
        ) from None
    if not found:
        raise NascError.of(
            f"{path} has no measured network of {family.name}", "expected the file as it was published", "data-folder"
        )
    return found


def _measured(family: Family, rows: list[Row]) -> list[tuple[Row, tuple[float, ...]]]:
    """Return the rows to keep of those of a table, with accuracies and labels."""
    if family.keep:
        rows = [row for row in rows if family.keep(row)]
    if family.once:
        rows = list({family.text(row): row for row in reversed(rows)}.values())[::-1]
    found: list[tuple[Row, tuple[float, ...]]] = []
    for row in rows:
        values = tuple(value for value in family.accuracies(row) if value is not None)
        if len(values) == 2 * len(family.tasks) and all(map(isfinite, values)) and values[0] > family.least:
            found.append((row, values))
    return found
