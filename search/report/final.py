"""The one place where test accuracy meets a study: read for its pick, after the search, by the report alone."""

from __future__ import annotations

from collections.abc import Mapping

from ...ir import Module
from ..held_out import table_test, trained_test

TRAINED = ("train:mnist1d", "train:digits")


def final_of(module: Module, evaluator: str, seed: int = 0) -> Mapping[str, float]:
    """Return what tests that the search never saw say of a network: accuracies as fractions, by the test's name.

    ``evaluator`` and ``seed`` are those that gave it its score; what they trained is trained again. Empty where there
    is no test part. Raises NascError where the table or the data is not there.
    """
    if evaluator.startswith("table:nb201"):
        return {f"{task} test": accuracy for task, accuracy in table_test(module).items()}
    if evaluator.startswith(TRAINED):
        return {"test": trained_test(evaluator, module, seed)["test"]}
    return {}
