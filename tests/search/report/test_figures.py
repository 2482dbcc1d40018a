"""Curves, fronts, axes and the ledger, by hand."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from nasc.search.engine import Trial
from nasc.search.report import Material
from nasc.search.report.account import by_status, executable, failures, spent, total
from nasc.search.report.axes import axis, number, short
from nasc.search.report.comparisons import groups, spread
from nasc.search.report.curves import band, best_so_far, improvements
from nasc.search.report.front import front
from nasc.search.report.relevances import chosen
from nasc.search.report.sections import floor_of, trade_off
from nasc.search.report.tables import duration


def test_curve_counts_evaluations_alone(study: Material) -> None:
    assert best_so_far(study.trials) == [0.5, 0.6, 0.6, 0.7, 0.7]
    found = [(step.evaluation, step.trial.number, step.gain) for step in improvements(study.trials)]
    assert found == [(1, 0, None), (2, 1, pytest.approx(0.1)), (4, 5, pytest.approx(0.1))]


def test_band_is_median_and_quartiles_and_short_curves_last() -> None:
    found = band([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0], [5.0]])
    assert (found.low, found.middle, found.high) == ((2.0, 3.0, 4.0), (3.0, 4.0, 5.0), (4.0, 4.5, 5.0))
    assert band([[0.5, 0.7]]).middle == (0.5, 0.7)
    assert band([[]]) == band([])


def test_front_is_what_nothing_beats(study: Material) -> None:
    assert [trial.number for trial in front(study.trials, "params")] == [7, 0, 5]
    best = front(study.trials, "params")
    for trial in study.trials:
        if trial.status == "done" and trial not in best:
            assert any(
                other.metrics["params"] <= trial.metrics["params"] and (other.score or 0) >= (trial.score or 0)
                for other in best
            )


def test_relevance_goes_to_what_matters_and_its_parents(study: Material) -> None:
    assert chosen(study.trials, 3) == [5, 1, 0]
    assert chosen(study.trials, 99) == [5, 1, 0, 7, 2]


def test_ledger(study: Material) -> None:
    assert by_status(study.trials) == {"done": 5, "repeat": 1, "gated": 1, "invalid": 2, "pending": 1}
    assert executable(study.trials) == pytest.approx(7 / 9)
    assert executable([]) is None
    assert [(one.status, one.count, one.first) for one in failures(study.trials)] == [
        ("invalid", 2, 3),
        ("gated", 1, 6),
    ]
    (smol,) = spent(study.calls)
    assert (smol.calls, smol.cached, smol.failed) == (2, 1, 1)
    assert (smol.prompt_tokens, smol.completion_tokens, smol.seconds, smol.cost) == (200, 50, 5.0, 0.5)
    assert total(Material("empty", [])).calls == 0


def test_studies_that_differ_in_chance_alone_are_one_group(study: Material, others: list[Material]) -> None:
    found = groups([study, *others])
    assert [(group.label, len(group.studies)) for group in found] == [("nader · local", 1), ("evolution", 2)]
    assert found[1].band.middle == pytest.approx((0.4, 0.55))
    assert spread([0.5, 0.6]) == "0.55 ± 0.071"


def test_studies_with_other_settings_are_not_put_together() -> None:
    asked: list[dict[str, object]] = [
        {"method": "random", "evaluator": "train:digits", "max_params": None, "seed": 0},
        {"method": "random", "evaluator": "train:digits", "max_params": 9000, "seed": 0},
        {"method": "random", "evaluator": "train:digits", "max_params": 9000, "seed": 1},
    ]
    found = groups([Material(f"s{number}", [], settings) for number, settings in enumerate(asked)])
    assert [(group.label, len(group.studies)) for group in found] == [
        ("random · max_params none", 1),
        ("random · max_params 9000", 2),
    ]


def test_latency_is_a_cost_where_it_was_measured(study: Material) -> None:
    assert "milliseconds in onnxruntime" not in str(trade_off(study))
    timed = [replace(trial, metrics={**trial.metrics, "latency": 2.5}) for trial in study.trials]
    assert "Score against milliseconds in onnxruntime" in str(trade_off(replace(study, trials=timed)))


@pytest.mark.parametrize(
    ("values", "logarithmic", "ticks"),
    [
        ([0.0, 1.0], False, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([1.0, 1000.0], True, [1.0, 10.0, 100.0, 1000.0]),
        ([2e5, 1e6], True, [2e5, 4e5, 6e5, 8e5, 1e6]),
        ([3.0], False, [2.85, 2.9, 2.95, 3.0, 3.05, 3.1, 3.15]),
        ([0.0, 10.0], True, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
    ],
)
def test_ticks_are_round_and_on_the_axis(values: Sequence[float], logarithmic: bool, ticks: list[float]) -> None:
    found = axis(values, 0, 100, logarithmic)
    assert found.ticks() == pytest.approx(ticks)
    assert all(0 <= found.at(tick) <= 100 for tick in found.ticks())


def test_numbers() -> None:
    assert [short(v) for v in (0.91234, 1500, 2.5e6, 3e9)] == ["0.9123", "1.5k", "2.5M", "3G"]
    assert [number(v) for v in (1234567.0, 0.123456, 91.4233, float("nan"))] == ["1,234,567", "0.1235", "91.42", "nan"]
    assert [duration(v) for v in (1.25, 61, 3660)] == ["1.2 s", "1 min 01 s", "1 h 01 min"]


def test_diverged_networks_do_not_press_the_others_together() -> None:
    assert floor_of([0.9, 0.91, 0.92, 0.9, 0.91, 0.93, 0.92, 0.1]) == pytest.approx(0.9 - 1.5 * 0.02)
    assert floor_of([0.9, 0.91, 0.92, 0.9, 0.91, 0.93, 0.92, 0.9]) is None
    assert floor_of([0.1, 0.9]) is None


def test_pick_is_the_best_and_the_first_of_equals() -> None:
    trials = [Trial(n, 0, "done", None, metrics={"score": s}) for n, s in enumerate((0.1, 0.9, 0.9))]
    best = Material("m", trials).best()
    assert best is not None
    assert best.number == 1
    assert Material("m", []).best() is None
