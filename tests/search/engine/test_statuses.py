"""What becomes of proposals: every status, the ends of searches, cascades and what they filter."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nasc.grammar import parse
from nasc.ir import Module
from nasc.search.engine import DirectPool, Study, Trial, run
from nasc.search.evaluators import Outcome
from nasc.search.store import Store, dump
from nasc.tests.search.engine.walking import SIGNAL, Weigh, fixed, signal, weighing


def statuses(found: Study) -> list[str]:
    return [trial.status for trial in found.trials()]


def test_proposals_get_the_status_that_they_deserve(tmp_path: Path) -> None:
    wide, foreign = signal(64), parse(SIGNAL.replace("f32[N,1,40]", "f32[N,2,40]"))
    found = fixed(tmp_path, [[8, 8, None, foreign], [8, wide, 24]], max_params=6000, evaluator="weigh")
    assert run(found, weighing()).reason == "method"
    trials = found.trials()
    assert statuses(found) == ["done", "repeat", "invalid", "invalid", "repeat", "done", "done"]
    assert trials[1].repeat_of == trials[4].repeat_of == 0
    assert trials[1].metrics == trials[0].metrics
    assert trials[2].error == "no network was proposed"
    assert trials[3].error == "error: the network has the inputs f32[N,2,40]\n  help: expected f32[N,1,40]"
    assert trials[5].metrics["params"] <= 6000


def test_what_fits_at_no_width_is_over(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[16]], max_params=100)
    run(found, weighing())
    (trial,) = found.trials()
    assert trial.status == "over"
    assert trial.error == (
        "error: the network has 4.874k parameters\n"
        "  help: at most 100 are allowed, and narrower layers do not get there"
    )


def test_ops_that_are_not_allowed_are_invalid(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[16]], ops=("conv1d", "linear", "flatten"))
    run(found, weighing())
    assert [trial.error for trial in found.trials()] == [
        "error: relu is not allowed here\n  help: expected one of: call, conv1d, flatten, linear"
    ]


def test_no_more_is_evaluated_than_was_asked_for(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8, 9, 8, 10, 12, 13]], trials=3)
    run(found, weighing())
    assert statuses(found) == ["done", "done", "repeat", "done"]
    more = fixed(tmp_path, [[], [15, 16]], trials=4)
    run(more, weighing())
    assert statuses(more)[4:] == ["done"]


def test_a_method_that_repeats_itself_is_stopped(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8] * 15] * 99, trials=2)
    assert run(found, weighing()).reason == "repeats"
    assert Counter(statuses(found)) == {"done": 1, "repeat": 44}


def test_a_search_of_which_nothing_can_be_evaluated_ends_soon(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[None] * 8] * 99, trials=100)
    assert run(found, weighing()).reason == "repeats"
    assert Counter(statuses(found)) == {"invalid": 40}


def test_a_pool_without_processes_measures_the_same(tmp_path: Path) -> None:
    class Odd(Weigh):
        def evaluate(self, module: Module, seed: int) -> Outcome:
            found = super().evaluate(module, seed)
            return Outcome("done", {"score": float("nan")} if len(self.seen) == 2 else found.metrics)

    class Clock(Weigh):
        def evaluate(self, module: Module, seed: int) -> Outcome:
            return Outcome("done", {"score": -2.5, "latency": 2.5})

    found = fixed(tmp_path, [[8, 9]], trials=2, objectives=("score", "latency"))
    run(found, DirectPool({"weigh": Odd(), "latency": Clock()}))
    first, second = found.trials()
    assert first.metrics["latency"] == 2.5
    assert (second.status, second.error) == ("failed", "the evaluator gave no finite score")
    assert found.front() == (first,)


def test_a_cascade_lets_the_best_go_on(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8, 12, 16, 20, 27, 36]], trials=3, evaluator="first/2,weigh")
    first = Weigh("first")
    assert run(found, DirectPool({"first": first, "weigh": Weigh()})).reason == "trials"
    assert len(first.seen) == 6
    trials = found.trials()
    assert sorted(statuses(found)) == ["done"] * 3 + ["filtered"] * 3
    passed = {trial.number for trial in trials if trial.status == "done"}
    scores = {found_.trial: found_.metrics["score"] for found_ in found.stored.evaluations() if found_.stage == 0}
    assert passed == set(sorted(scores, key=lambda number: -scores[number])[:3])
    assert all("first_score" in trial.metrics for trial in trials if trial.status == "filtered")


def test_what_a_cascade_filters_is_not_held_against_the_method(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[*range(1, 22), *[1] * 20], range(22, 43)], trials=2, evaluator="first/21,weigh")
    assert run(found, DirectPool({"first": Weigh("first"), "weigh": Weigh()})).reason == "trials"
    assert len(found.stored.rounds()) == 2


def test_trials_that_are_read_as_they_come_are_those_read_at_the_end(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8, 12, 8, 16], [8, 20, 27]], trials=3, evaluator="first/2,weigh")
    read: list[tuple[Trial, ...]] = []
    pool = DirectPool({"first": Weigh("first"), "weigh": Weigh()})
    run(found, pool, lambda: read.append(found.trials()))
    assert {trial.status for trials in read for trial in trials} >= {"pending", "done", "repeat", "filtered"}
    assert dump(found.stored) == dump(Store(tmp_path / "s.db").study("walk"))
    assert all(one is other for one, other in zip(found.trials(), found.trials(), strict=True))
