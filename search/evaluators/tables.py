"""Tables of trained networks as evaluators: a search looks validation accuracy up, and nothing else.

The rows are read with their validation column alone: test accuracy is in no value that a search could reach. What
joins it to a report stands in :mod:`nasc.search.held_out`, which nothing here imports.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...ir import Module, NascError, did_you_mean
from .evaluator import Outcome

VALIDATION = {"cifar10": "c10_val", "cifar100": "c100_val", "imagenet16": "in16_val"}
"""The validation column of each task of nb201.csv.gz, in percent after 200 epochs."""


@dataclass(frozen=True)
class TableEvaluator:
    """Validation accuracy of the NAS-Bench-201 networks on one task, a fraction, by the string of the cell.

    Of strings that are one network, the row of the one that stands for them counts.
    """

    task: str
    accuracies: Mapping[str, float] = field(repr=False)

    @property
    def name(self) -> str:
        """``table:nb201:cifar10``."""
        return f"table:nb201:{self.task}"

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return the accuracy as ``score`` and ``accuracy``. Raises NascError for networks that have no row."""
        from ..spaces.nb201_reading import recognise

        accuracy = looked_up(recognise(module), self.accuracies)
        return Outcome("done", {"score": accuracy, "accuracy": accuracy})


def open_table(argument: str, data_dir: str | Path | None = None) -> TableEvaluator:
    """Return the table of ``nb201:cifar10``. Raises NascError where there is none."""
    space, _, task = argument.partition(":")
    if space != "nb201":
        raise NascError.of(f"there is no table of {space!r}", "expected table:nb201:TASK", "evaluator")
    if task not in VALIDATION:
        raise NascError.of(f"table:nb201 has no task {task!r}", did_you_mean(task, VALIDATION), "evaluator")
    return TableEvaluator(task, read_column(VALIDATION[task], data_dir))


def looked_up(arch: str, accuracies: Mapping[str, float]) -> float:
    """Return the accuracy of a string. Raises NascError where the table has no row of it."""
    if arch not in accuracies:
        raise NascError.of(f"the table has no row {arch}", "expected the table of all 15,625 strings", "table")
    return accuracies[arch]


def read_column(column: str, data_dir: str | Path | None) -> dict[str, float]:
    """Return one accuracy of each NAS-Bench-201 string as a fraction. Raises NascError where the table is missing."""
    from ...predictor.families import data_folder

    path = data_folder(data_dir) / "nb201.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows)
            place, arch = header.index(column), header.index("arch")
            return {row[arch]: float(row[place]) / 100 for row in rows}
    except (OSError, EOFError, StopIteration, ValueError, IndexError) as error:
        hint = f"expected a gzipped CSV with the columns arch and {column}"
        raise NascError.of(f"{path} cannot be read as a table: {error}", hint, "table") from None
