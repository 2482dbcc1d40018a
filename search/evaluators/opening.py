"""Opening an evaluator by what the user wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ...ir import NascError, did_you_mean
from .evaluator import Evaluator
from .specification import NoOptions, Specification, parse_specification

FORMS = (
    "predictor",
    "table:nb201:cifar10",
    "table:nb201:cifar100",
    "table:nb201:imagenet16",
    "train:mnist1d",
    "train:digits",
    "train:FILE.py:function",
    "proxy:synflow",
    "proxy:nwot",
    "proxy:jacov",
    "proxy:snip",
    "proxy:grad_norm",
    "proxy:zen",
    "proxy:az",
    "latency",
)


def open_evaluator(text: str, data_dir: str | Path | None = None) -> Evaluator:
    """Return the evaluator that a text names; what it needs (weights, tables, data) is read at once.

    ``data_dir`` is the folder of the tables, else $NASC_DATA_DIR. Raises NascError where there is no such evaluator
    or what it needs is missing.
    """
    spec = parse_specification(text)
    opener = _OPENERS.get(spec.kind)
    if opener is None:
        raise NascError.of(f"there is no evaluator {spec.kind!r}", did_you_mean(spec.kind, _OPENERS), "evaluator")
    return opener(spec, data_dir)


def _predictor(spec: Specification, _: str | Path | None) -> Evaluator:
    from .predicting import PredictorEvaluator, PredictorOptions

    _no_argument(spec)
    return PredictorEvaluator(spec.fill(PredictorOptions()))


def _table(spec: Specification, data_dir: str | Path | None) -> Evaluator:
    from .tables import open_table

    spec.fill(NoOptions())
    if data_dir is None and not os.environ.get("NASC_DATA_DIR"):
        hint = "set NASC_DATA_DIR to the folder that has nb201.csv.gz"
        raise NascError.of(f"{spec.text} needs the benchmark's table", hint, "data")
    return open_table(spec.argument, data_dir)


def _train(spec: Specification, _: str | Path | None) -> Evaluator:
    if spec.argument.rpartition(":")[0].endswith(".py"):
        from .own import open_own

        spec.fill(NoOptions())
        return open_own(spec.argument)
    from .training import open_training

    return open_training(spec)


def _proxy(spec: Specification, _: str | Path | None) -> Evaluator:
    from .scoring import open_proxy

    return open_proxy(spec)


def _latency(spec: Specification, _: str | Path | None) -> Evaluator:
    from .latency import LatencyEvaluator, LatencyOptions

    _no_argument(spec)
    return LatencyEvaluator(spec.fill(LatencyOptions()))


def _no_argument(spec: Specification) -> None:
    if spec.argument:
        hint = f"expected {spec.kind} or {spec.kind}{{option=value}}"
        raise NascError.of(f"{spec.kind} takes nothing after a colon, not {spec.argument!r}", hint, "evaluator")


_OPENERS: Mapping[str, Callable[[Specification, str | Path | None], Evaluator]] = {
    "predictor": _predictor,
    "table": _table,
    "train": _train,
    "proxy": _proxy,
    "latency": _latency,
}
