"""The benchmark of searches: its studies, and how its tables come into the document."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasc.benchmarks.search_results import Result, filled, mnist1d_picture, results, spread, table, write
from nasc.benchmarks.search_studies import Plan, Sizes, contenders, plans
from nasc.benchmarks.search_workers import at_once, one_by_one
from nasc.examples.mnist1d_seeds import SEEDS
from nasc.ir import NascError
from nasc.search.engine import Settings, Study
from nasc.search.report import Material
from nasc.search.spaces import open_space
from nasc.search.store import Store
from nasc.search.strategies import open_strategy
from nasc.tests.search.report.jobs import work
from nasc.tests.search.report.studies import TEXT, done, network


def test_studies_come_seed_by_seed_so_that_any_prefix_compares() -> None:
    wanted = list(plans(["nb201"], ["none", "random"], Sizes(seeds=2), ["evolution", "nader"]))
    assert [plan.name for plan in wanted] == [
        f"nb201-{method}-{seed}" for seed in (0, 1) for method in ("evolution-none", "nader-random")
    ]
    assert len({plan.path(Path()) for plan in plans(["nb201", "executable", "mnist1d"], ["none"], Sizes())}) == 39
    assert list(contenders(["none"], ["nader"])) == []


def test_studies_run_at_once_and_what_fails_stops_no_other() -> None:
    """Three that end well, three that do not, on two processes, one of which is lost."""
    handed: list[str] = []

    def wanted() -> Iterator[str]:
        for plan in ["a", "refuse", "die", "break", "b", "c"]:
            handed.append(plan)
            yield plan

    over = {}
    for study in at_once(wanted(), 2, work):
        over[study.plan] = study
        assert len(handed) - len(over) <= 2
    assert sorted(over) == sorted(handed)
    assert {plan for plan, study in over.items() if study.failed} == {"refuse", "break", "die"}
    assert over["refuse"].said == "error: no such thing\n  help: take another"
    assert over["die"].said == "its process ended with code 7"
    assert over["break"].said.splitlines()[-1] == "ZeroDivisionError"
    words = [over[plan].said.split() for plan in "abc"]
    assert [word[:3] for word in words] == [["a", "in", "1"], ["b", "in", "1"], ["c", "in", "1"]]
    assert str(os.getpid()) not in {word[-1] for word in words}


def test_one_study_at_a_time_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    said = [(study.said.splitlines()[0], study.failed) for study in one_by_one(["refuse", "a"], work)]
    assert said == [("error: no such thing", True), (f"a in 3 of {os.getpid()}", False)]


def test_an_interrupt_ends_all_studies_that_run_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nasc.tests.search.report.jobs", str(tmp_path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    while process.poll() is None and len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert (process.communicate(timeout=60), process.returncode) == (("", ""), 130)
    assert list(tmp_path.iterdir()) == []


def test_seeds_are_the_four_of_the_paper() -> None:
    sizes = [sum(parameter.numel() for parameter in make().parameters()) for make in SEEDS]
    assert sizes == [5134, 5210, 15210, 8762]


def test_tables_fill_their_place_again_and_again() -> None:
    text = filled("a\n<!-- x -->\nold\n<!-- end of x -->\nb", "x", ["new"])
    assert text == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb"
    assert filled(text, "x", ["new"]) == text
    with pytest.raises(NascError) as caught:
        filled("a", "x", ["new"])
    assert str(caught.value) == (
        "error: the document has no place for x\n  help: write <!-- x --> and <!-- end of x --> where it belongs"
    )
    assert list(table(["a", "b"], iter([(1, 2)]))) == ["| a | b |", "|---|---|", "| 1 | 2 |"]
    assert list(table(["a"], iter(()))) == []
    assert [spread(values) for values in ([], [1.0], [1.0, 2.0])] == ["-", "1.00", "1.50 ± 0.71"]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no study", encoding="utf-8")
    assert results(tmp_path) == []


def test_tables_of_other_parts_stay_as_they_are(tmp_path: Path) -> None:
    document = tmp_path / "search.md"
    blocks = {name: f"<!-- {name} -->\nkept\n<!-- end of {name} -->" for name in ("nb201", "executable")}
    document.write_text("\n".join(blocks.values()), encoding="utf-8")
    write(tmp_path, document, {"executable"})
    assert document.read_text(encoding="utf-8") == f"{blocks['nb201']}\n{blocks['executable']}".replace(
        "<!-- executable -->\nkept", "<!-- executable -->\nNot run yet."
    )


def test_only_studies_that_are_over_count(tmp_path: Path) -> None:
    model = tmp_path / "model.nasc"
    model.write_text(TEXT.format(width=4, kernel=3, padding=1, activation="relu"), encoding="utf-8")
    settings = Settings(method="random", start=str(model), evaluator="told")
    name = "nb201-random-none-0"
    store = Store(tmp_path / f"{name}.db")
    with Study(store.begin(name, settings, 2), open_space(str(model)), open_strategy("random")) as study:
        for score in (0.5, 0.75):
            assert results(tmp_path) == []
            (trial,) = study.ask(1)
            study.tell(trial.number, {"score": score})
    (result,) = results(tmp_path)
    assert (result.label, [trial.score for trial in result.study.trials]) == ("random", [0.5, 0.75])
    assert sorted(result.evaluated) == [0, 1]
    store.close()


def test_fronts_are_drawn_in_test_accuracy(tmp_path: Path) -> None:
    study = Material("mnist1d", [done(0, network(4), 0.5), done(1, network(8), 0.6, (0,))])
    path = Plan("mnist1d", "evolution", "none", 0, 2, "").path(tmp_path)
    path.with_suffix(".test.json").write_text(json.dumps({"0": 0.4, "1": 0.3}), encoding="utf-8")
    drawn = mnist1d_picture([Result("mnist1d", "evolution", "none", 0, study, path, {})])
    assert drawn is not None
    assert drawn.count("<circle") == 1
    assert mnist1d_picture([]) is None
