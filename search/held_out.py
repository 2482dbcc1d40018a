"""Test accuracy, which no search may see: what a report joins to the networks that a search picked.

Nothing that runs a search or an evaluator imports this module, and a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import Module, NascError

if TYPE_CHECKING:
    from .evaluators.datasets import Samples

TEST = {"cifar10": "c10_test", "cifar100": "c100_test", "imagenet16": "in16_test"}
"""The test column of each task of nb201.csv.gz."""
OPTIMUM = {"cifar10": 0.94373, "cifar100": 0.73513, "imagenet16": 0.47311}
"""The best test accuracy of any network of NAS-Bench-201."""


def table_test(module: Module, data_dir: str | Path | None = None) -> Mapping[str, float]:
    """Return the test accuracy of a NAS-Bench-201 network on each task, as fractions.

    Of strings that are one network, the row of the one that stands for them counts, as in the search. Raises
    NascError where the network is not of the space, or the table or its row is missing.
    """
    from .evaluators.tables import looked_up
    from .spaces.nb201_reading import recognise

    arch = recognise(module)
    return {task: looked_up(arch, _column(column, data_dir)) for task, column in TEST.items()}


@lru_cache(maxsize=8)
def _column(column: str, data_dir: str | Path | None) -> Mapping[str, float]:
    from .evaluators.tables import read_column

    return read_column(column, data_dir)


def trained_test(evaluator: str, module: Module, seed: int = 0) -> Mapping[str, float]:
    """Return the test accuracy of a network that a search trained: it is trained again, and ends up the same.

    ``evaluator`` is the search's, ``train:mnist1d{steps=300}``. The model counts as it was at its best validation
    accuracy: ``test`` is its accuracy on the test part, ``validation`` the search's score, which holds exactly where
    the versions of the libraries and the machine are those of the search. Raises NascError where the evaluator trains
    on nothing with a test part, or the training is stopped.
    """
    from torch import nn

    from .evaluators.datasets import TASKS, reshaped
    from .evaluators.specification import parse_specification
    from .evaluators.training import accuracy, open_training, train

    spec = parse_specification(evaluator)
    if spec.kind != "train" or spec.argument not in TASKS:
        raise NascError.of(f"{evaluator} has no test part", "expected train:mnist1d or train:digits", "evaluator")
    training = open_training(spec)
    shape = training.task.adapted(module).shapes[0]
    test = reshaped(test_part(spec.argument), shape)
    found: list[float] = []

    def best(model: nn.Module) -> None:
        found.append(accuracy(model, test))

    progress = train(module, training.task, training.options, seed, best)
    if progress.gated or progress.failed or not found:
        reason = progress.gated or progress.failed or "no class was ever told right"
        raise NascError.of(
            f"the training ended early: {reason}", "ask for networks that a search finished", "evaluator"
        )
    return {"test": found[-1], "validation": progress.best}


@lru_cache(maxsize=4)
def test_part(name: str) -> Samples:
    """Return the test part of a data set."""
    from .evaluators.datasets import Samples, digits_parts, mnist1d_parts

    return Samples(*(mnist1d_parts()[1] if name == "mnist1d" else digits_parts()[2]))
