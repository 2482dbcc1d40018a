"""`nasc report` on studies of a store, and the test accuracy of their picks."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nasc.cli import main, report
from nasc.frontends.cells.nb201 import nb201
from nasc.ir import NascError
from nasc.search.engine import DirectPool, Request, open_study, run
from nasc.search.report.final import final_of
from nasc.search.report.reading import material
from nasc.search.store import Store
from nasc.tests.search.report.studies import TEXT, network

needs_data = pytest.mark.skipif("NASC_DATA_DIR" not in os.environ, reason="NASC_DATA_DIR does not name the tables")
Search = Callable[..., str]


class Wide:
    """An evaluator that likes parameters."""

    name = "wide"

    def evaluate(self, module, seed=0):
        from nasc.passes import cost
        from nasc.search.evaluators import Outcome

        return Outcome("done", {"score": cost(module).params / 1e4}, "")


@pytest.fixture
def search(tmp_path: Path) -> Search:
    """Make a study of a few networks and return its file."""
    model = tmp_path / "model.nasc"
    model.write_text(TEXT.format(width=4, kernel=3, padding=1, activation="relu"), encoding="utf-8")

    def made(name: str, seed: int = 0, **given: object) -> str:
        stated = {"method": "evolution", "start": str(model), "evaluator": "wide", "seed": seed, "batch": 4, **given}
        study = open_study(Request(str(tmp_path / f"{name}.db"), stated, 6))
        run(study, DirectPool({"wide": Wide()}))
        return str(tmp_path / f"{name}.db")

    return made


def test_text_and_page_of_a_study(search: Search, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = search("one"), search("two", 1)
    assert main(["report", one]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"one: evolution · {tmp_path}/model.nasc · wide · seed 0\n")
    assert "6 done" in out
    page = tmp_path / "page.html"
    assert main(["report", one, "--compare", two, "--relevance", "0", "-o", str(page)]) == 0
    assert "proposals of one" in capsys.readouterr().err
    text = page.read_text(encoding="utf-8")
    assert "<h1>one</h1>" in text
    assert "2 studies" in text


def test_studies_are_read_as_they_are(search: Search) -> None:
    store = Store(search("one"), create=False)
    study = store.study("one")
    found = material(study, lambda module, evaluator, seed: {f"{evaluator} {seed}": 0.5})
    assert [trial.number for trial in found.trials] == [trial.number for trial in study.trials()]
    assert (found.setting("method"), found.setting("evaluations wanted")) == ("evolution", "6")
    best = found.best()
    assert best is not None
    (last,) = (one for one in study.evaluations() if one.trial == best.number)
    assert found.final == {f"wide {last.seed}": 0.5}
    assert found.label == "evolution"
    store.close()


def test_what_is_not_there_is_said(search: Search, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none.db")]) == 1
    assert f"error: {tmp_path}/none.db: there is no such store" in capsys.readouterr().err
    assert main(["report", "ona", "--store", search("one")]) == 1
    assert "has no study 'ona'" in (err := capsys.readouterr().err)
    assert "did you mean 'one'?" in err


@needs_data
def test_pick_of_a_table_gets_its_test_accuracy() -> None:
    best = nb201("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|")
    found = final_of(best, "table:nb201:cifar10")
    assert sorted(found) == ["cifar10 test", "cifar100 test", "imagenet16 test"]
    assert 0.93 < found["cifar10 test"] < 0.944
    assert final_of(best, "predictor") == {}


def test_without_test_accuracy_there_is_still_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NascError):
        final_of(network(), "table:nb201:cifar10")
    assert report.tested(network(), "table:nb201:cifar10", 0) == {}
    assert capsys.readouterr().err.startswith("no test accuracy: ")
