"""Studies: asked, told, resumed and shared, always with the same outcome."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from nasc.ir import Module, NascError
from nasc.search.engine import DirectPool, Proposal, Request, Settings, Study, View, open_study, run
from nasc.search.evaluators import Outcome
from nasc.search.llm import Answer, BadAnswer, Client, Price, Prompt, Unreachable, open_client
from nasc.search.store import Store, dump
from nasc.search.store.schema import LeaseRow
from nasc.tests.search.engine.walking import Fixed, Weigh, fixed, signal, space, study, weighing

TRIALS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dump of the study that nothing disturbed."""
    found = study(tmp_path_factory.mktemp("whole") / "s.db", TRIALS)
    assert run(found, weighing()).reason == "trials"
    return dump(found.stored)


def test_a_study_evaluates_what_it_is_asked_for(tmp_path: Path) -> None:
    found = study(tmp_path / "s.db", 12)
    pool = DirectPool({"weigh": (weigh := Weigh())})
    assert run(found, pool).reason == "trials"
    trials = found.trials()
    assert [trial.number for trial in trials] == list(range(len(trials)))
    counted = Counter(trial.status for trial in trials)
    assert counted["done"] + counted["failed"] == 12 == len(weigh.seen)
    assert len({trial.digest for trial in trials if trial.status in ("done", "failed")}) == 12
    best = found.best()
    assert best is not None
    assert best.score == max(trial.score for trial in trials if trial.usable and trial.score is not None)
    assert found.stored.documents("count") == [("all", {"rounds": len(found.stored.rounds())})]


def test_equal_seeds_give_equal_studies(tmp_path: Path, whole: str) -> None:
    again, other = study(tmp_path / "again.db", TRIALS), study(tmp_path / "other.db", 2, seed=1)
    run(again, weighing())
    run(other, weighing())
    assert dump(again.stored) == whole
    assert dump(other.stored) != whole


def test_threads_of_two_studies_share_the_work(tmp_path: Path, whole: str) -> None:
    both = [study(tmp_path / "s.db", TRIALS) for _ in range(2)]
    pools = [DirectPool({"weigh": Weigh(seconds=0.01)}) for _ in both]
    threads = [threading.Thread(target=run, args=pair) for pair in zip(both, pools, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dump(both[0].stored) == whole
    assert len(both[0].stored.evaluations()) == TRIALS


def test_a_run_that_breaks_anywhere_goes_on(tmp_path: Path, whole: str) -> None:
    """KeyboardInterrupt at every point at which something is evaluated or asked."""

    class Breaking(Weigh):
        def evaluate(self, module: Module, seed: int) -> Outcome:
            if len(self.seen) == 3:
                raise KeyboardInterrupt
            return super().evaluate(module, seed)

    interruptions = 0
    while True:
        found = study(tmp_path / "s.db", TRIALS, Flaky(interruptions))
        try:
            run(found, DirectPool({"weigh": Breaking()}))
        except KeyboardInterrupt:
            interruptions += 1
            continue
        if not found.over():
            continue
        break
    assert interruptions >= 3
    assert dump(found.stored) == whole


class Flaky:
    """The random client, which is interrupted at its second answer when ``turn`` is odd."""

    name = "random"

    def __init__(self, turn: int = 0) -> None:
        self.client: Client = open_client("random")
        self.turn, self.asked = turn, 0

    def complete(self, prompt: Prompt) -> Answer:
        self.asked += 1
        if self.turn % 2 and self.asked > 1:
            raise KeyboardInterrupt
        return self.client.complete(prompt)


def evaluations(where: Path) -> int:
    """How many evaluations a store has that another process writes."""
    with closing(sqlite3.connect(where)) as connection:
        try:
            (found,) = connection.execute("SELECT count(*) FROM evaluations").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(found)


def test_sigkill_loses_nothing_and_doubles_nothing(tmp_path: Path, whole: str) -> None:
    """Three processes are killed at random moments, the fourth ends the study."""
    rng, kills = Random(5), 0
    command = [sys.executable, "-m", "nasc.tests.search.engine.walking", str(tmp_path / "s.db"), str(TRIALS)]
    while True:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        if kills == 3:
            assert process.communicate()[0] == "trials\n"
            break
        wanted = 1 + 3 * kills + rng.randrange(3)
        while process.poll() is None and evaluations(tmp_path / "s.db") < wanted:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        kills += 1
    stored = Store(tmp_path / "s.db").study("walk")
    assert dump(stored) == whole
    assert sorted(found.trial for found in stored.evaluations()) == sorted({f.trial for f in stored.evaluations()})
    assert len({found.worker for found in stored.evaluations()}) > 1


def test_ask_and_tell(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8, 9, 10], [11]], trials=4)
    first, second, third = found.ask()
    assert [trial.status for trial in (first, second, third)] == ["running"] * 3
    assert found.tell(first.number, {"score": 0.5, "loss": float("nan")})
    assert not found.tell(first.number, {"score": 0.9})
    found.tell(second.number, error="it broke")
    found.tell(third.number, {"loss": 1.0})
    assert [trial.number for trial in found.ask(1)] == [3]
    found.tell(3, {"score": 0.75})
    assert found.ask() == []
    kept = [(trial.status, trial.score, trial.error) for trial in found.trials()]
    assert kept == [
        ("done", 0.5, ""),
        ("failed", None, "it broke"),
        ("failed", None, "the evaluator gave no finite score"),
        ("done", 0.75, ""),
    ]
    with pytest.raises(NascError) as caught:
        found.tell(99, {"score": 1.0})
    assert str(caught.value) == (
        "error: there is no trial 99: nothing can be told of it\n  help: expected the number of an asked trial"
    )


def test_settings_of_a_request_have_names(tmp_path: Path) -> None:
    with pytest.raises(NascError) as caught:
        open_study(Request(str(tmp_path / "s"), {"methd": "random"}))
    assert str(caught.value) == "error: there is no setting 'methd'\n  help: did you mean 'method'?"


def test_the_llm_of_a_study_is_that_of_its_settings(tmp_path: Path) -> None:
    stored = Store(tmp_path / "s.db").begin("s", Settings(llm="openai:some"), 1)
    assert Study(stored, space(), Fixed(())).client.name.startswith("openai:some")


def test_a_parent_must_be_of_an_earlier_round(tmp_path: Path) -> None:
    class Wrong(Fixed):
        def ask(self, view: View) -> Sequence[Proposal]:
            return [Proposal(signal(), (7,))]

    found = study(tmp_path / "s.db")
    with pytest.raises(ValueError, match="names the parent 7"):
        run(Study(found.stored, space(), Wrong(())), weighing())


def test_notes_that_no_store_can_keep_are_named(tmp_path: Path) -> None:
    class Noting(Fixed):
        def ask(self, view: View) -> Sequence[Proposal]:
            return [Proposal(signal(), notes={"what": {1, 2}})]

    found = study(tmp_path / "s.db")
    with pytest.raises(NascError) as caught:
        run(Study(found.stored, space(), Noting(())), weighing())
    assert str(caught.value) == (
        "error: the note of proposal 0 is no JSON: Object of type set is not JSON serializable\n"
        "  help: keep numbers, text and lists"
    )


def test_answers_are_paid_once(tmp_path: Path) -> None:
    class Paid(Flaky):
        def complete(self, prompt: Prompt) -> Answer:
            answer = super().complete(prompt)
            return Answer(f"{answer.text}", 1000, 100, 0.5, "a\0b")

    first, client = study(tmp_path / "s.db", 8), Paid()
    first = Study(first.stored, first.space, first.strategy, client, Price(2.0, 10.0))
    run(first, weighing())
    calls = first.stored.calls()
    assert client.asked == len({call.prompt["seed"] for call in calls}) == sum(call.paid for call in calls)
    assert sum(call.cost or 0 for call in calls) == pytest.approx(client.asked * 0.003)
    assert first.stored.tokens() == client.asked * 1100
    assert calls[0].model == "a\ufffdb"
    second = Study(Store(tmp_path / "s.db").begin("again", first.settings, 8), space(), first.strategy, client)
    run(second, weighing())
    assert second.stored.tokens() == 0
    ours, theirs = (dump(found.stored).replace("again", "walk") for found in (first, second))
    assert ours == theirs


def test_failures_of_the_prompt_are_kept_and_others_end_the_run(tmp_path: Path) -> None:
    class Down(Flaky):
        def complete(self, prompt: Prompt) -> Answer:
            self.asked += 1
            raise self.error

        error: Exception = Unreachable.at("http://x", "no server", "start it")

    client = Down()
    found = study(tmp_path / "s.db", client=client)
    finish = run(found, weighing())
    assert finish.reason == "llm"
    assert finish.error is client.error
    assert found.trials() == ()
    client.error = BadAnswer.at("http://x", "nothing came", "ask again")
    for _ in range(2):
        with pytest.raises(BadAnswer, match="nothing came"):
            found.strategy.ask(found._view(found.state()))
    assert client.asked == 2
    assert [call.error for call in found.stored.calls()] == ["llm-bad-answer\nhttp://x: nothing came\nask again"]


def test_a_trial_that_costs_three_workers_has_failed(tmp_path: Path) -> None:
    found = fixed(tmp_path, [[8]], trials=1)
    found.advance()
    for turn in range(3):
        (task,) = found.work.claim(None)
        assert found.lost(task, "gone") is (turn < 2)
    assert [(trial.status, trial.error) for trial in found.trials()] == [("failed", "3 workers died over it: gone")]


def test_leases_of_the_dead_and_the_silent_are_free(tmp_path: Path) -> None:
    first, second = fixed(tmp_path, [[8, 9]]), fixed(tmp_path, [[8, 9]])
    first.advance()
    assert len(first.work.claim(None)) == 2
    assert second.work.claim(None) == []
    machine, pid, started, token = first.leases.owner.split(" ")
    assert int(pid) == os.getpid()
    with first.stored.database.writing() as session:
        rows = list(session.scalars(select(LeaseRow)))
        rows[0].owner = f"{machine} {pid} {int(started) - 1} {token}"
        rows[1].owner = f"elsewhere {pid} {started} {token}"
    assert [task.number for task in second.work.claim(None)] == [0]
    with first.stored.database.writing() as session:
        for row in session.scalars(select(LeaseRow)):
            row.expires -= 60 if row.owner.startswith("elsewhere") else 0
    assert [task.number for task in second.work.claim(None)] == [1]


def test_settings_are_those_that_the_study_began_with(tmp_path: Path) -> None:
    study(tmp_path / "s.db", origin="a")
    with pytest.raises(NascError) as caught:
        study(tmp_path / "s.db", origin="b", seed=3, max_macs=5)
    help_ = "\n  help: repeat the command that began it, or begin another study"
    assert str(caught.value) == (
        f"error: study 'walk' has --seed 0, not 3{help_}\n"
        f"error: study 'walk' has --max-macs unset, not 5{help_}\n"
        "error: study 'walk' began with another signal: the model has changed since\n"
        "  help: begin another study, or restore the model"
    )
