"""A study as text in which nothing depends on clocks, machines or the order of work: equal for equal studies."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .study import StoredStudy

TIMED = frozenset({"seconds", "latency"})
"""Metrics that are measured with a clock."""


def dump(study: StoredStudy) -> str:
    """Return settings, rounds, trials, evaluations, calls and documents, one JSON value a line."""
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in _lines(study))


def _lines(study: StoredStudy) -> Iterator[object]:
    yield {"settings": study.settings.as_json()}
    for turn in study.rounds():
        yield {"round": turn.number, "seed": turn.seed, "trials": turn.trials}
    for trial in study.trials():
        plain = {name: value for name, value in vars(trial).items() if not name.startswith("_")}
        plain["metrics"] = _untimed(trial.metrics)
        yield {"trial": {name: plain[name] for name in plain if name not in ("seconds", "module")}}
    for found in study.evaluations():
        yield {
            "evaluation": [found.trial, found.stage, found.evaluator, found.seed, found.status, found.error],
            "metrics": _untimed(found.metrics),
        }
    for call in study.calls():
        yield {"call": [call.round, call.position, call.client, call.text, call.error], "prompt": call.prompt}
    for key, document in study.documents():
        yield {"document": key, "value": document}


def _untimed(metrics: object) -> dict[str, float]:
    assert isinstance(metrics, dict)
    return {name: value for name, value in metrics.items() if name not in TIMED}
