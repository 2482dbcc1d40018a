"""Test accuracy, which no search may see: what a report joins to the networks that a search picked.

Nothing that runs a search or an evaluator imports this module, and a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ..ir import Module

TEST = {"cifar10": "c10_test", "cifar100": "c100_test", "imagenet16": "in16_test"}
"""The test column of each task of nb201.csv.gz."""
OPTIMUM = {"cifar10": 0.94373, "cifar100": 0.73513, "imagenet16": 0.47311}
"""The best test accuracy of any network of NAS-Bench-201."""


def table_test(module: Module, data_dir: str | Path | None = None) -> Mapping[str, float]:
    """Return the test accuracy of a NAS-Bench-201 network on each task, as fractions.

    Of strings that are one network, the row of the one that stands for them counts, as in the search. Raises
    NascError where the network is not of the space or the table is missing.
    """
    from .spaces.nb201_reading import recognise

    arch = recognise(module)
    return {task: _column(column, data_dir)[arch] for task, column in TEST.items()}


@lru_cache(maxsize=8)
def _column(column: str, data_dir: str | Path | None) -> Mapping[str, float]:
    from .evaluators.tables import read_column

    return read_column(column, data_dir)
