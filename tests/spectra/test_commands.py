"""`nasc spectra` and `nasc embed` as their users see them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasc.grammar import print_module
from nasc.search.engine import Settings
from nasc.search.report.curves import improvements
from nasc.search.store import Store
from nasc.tests.predictor.networks import residual

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Residual networks of 1 to 5 stages, one wide, and a file that is no model."""
    made = tmp_path_factory.mktemp("models")
    for stages in range(1, 6):
        (made / f"r{stages}.nasc").write_text(print_module(residual(stages, 1)), encoding="utf-8")
    (made / "wide.nasc").write_text(print_module(residual(2, 1, 64)), encoding="utf-8")
    (made / "broken.nasc").write_text("nasc 1\n\ngraph", encoding="utf-8")
    return made


def test_spectra_of_models(nasc: Run, folder: Path) -> None:
    done = nasc("spectra", str(folder / "r1.nasc"), str(folder / "r2.nasc"), "--count", "3", "--format", "json")
    rows = json.loads(done.out)
    assert [len(row["eigenvalues"]) for row in rows] == [3, 3]
    assert rows[0]["eigenvalues"][0] == pytest.approx(0, abs=1e-9)
    text = nasc("spectra", str(folder / "r1.nasc"), "--count", "2").out
    assert text.splitlines()[0] == f"{folder / 'r1.nasc'}: {rows[0]['nodes']} nodes"


def test_the_nearest_models_have_the_same_shape(nasc: Run, folder: Path) -> None:
    done = nasc("spectra", str(folder / "r2.nasc"), "--near", str(folder), "--top", "3", "--format", "json")
    rows = json.loads(done.out)
    assert {Path(row["model"]).name for row in rows[:2]} == {"r2.nasc", "wide.nasc"}
    assert rows[1]["distance"] == pytest.approx(0, abs=1e-9)
    assert rows[2]["distance"] > 0.01
    assert "broken.nasc is left out" in done.err


def test_numbers_and_arrays(nasc: Run, folder: Path, tmp_path: Path) -> None:
    names = [str(folder / f"r{i}.nasc") for i in (1, 2)]
    rows = json.loads(nasc("embed", *names).out)
    assert nasc("embed", *names, "-o", str(tmp_path / "e.npy")).code == 0
    found = np.load(tmp_path / "e.npy")
    np.testing.assert_allclose(found, [row["embedding"] for row in rows], rtol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize(("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_pictures_of_models_and_a_route(
    form: str, start: bytes, nasc: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NASC_DATA_DIR", raising=False)
    models, route = ([str(folder / f"r{i}.nasc") for i in some] for some in ((1, 2, 3), (4, 5)))
    picture = tmp_path / f"map.{form}"
    done = nasc("embed", *models, "--plot", str(picture), "--route", *route)
    assert done.code == 0, done.err
    written = picture.read_bytes()
    assert written.startswith(start)
    if form == "svg":
        assert all(f">{Path(name).name}</text>" in written.decode() for name in models)


def test_the_bests_of_a_search_are_a_route(
    nasc: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NASC_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    models = [str(folder / f"r{i}.nasc") for i in range(1, 6)]
    search = f"search walk --method random --start {models[0]} --evaluator predictor --trials 6".split()
    assert nasc(*search).code == 0
    bests = improvements(Store("walk.db").study("walk").trials())
    done = nasc("embed", *models, "--study", "walk", "--plot", "map.svg")
    assert done.code == 0, done.err
    assert f"{len(models) + len(bests)} models" in done.err
    Store("new.db").begin("new", Settings(method="random", start="x", evaluator="predictor"), 3)
    none = nasc("embed", "--study", "new", "--plot", "map.svg")
    assert none.err == (
        "error: the study new has no evaluated network yet\n"
        "  help: let the search go on: `nasc search` with the same name\n"
    )


ERRORS: dict[tuple[str, ...], str] = {
    ("embed", "r1", "--plot", "map.svg", "-o", "e.npy"): (
        "error: a picture and numbers are two answers\n  help: give --plot FILE or -o FILE, not both\n"
    ),
    ("embed", "r1", "--plot", "no/map.svg"): (
        "error: no/map.svg: cannot be written: there is no such folder\n  help: name a file in a folder that exists\n"
    ),
    ("evaluate", "--all", "--record", "empty"): (
        "error: empty: cannot be written: it is a folder\n  help: name a file in a folder that exists\n"
    ),
    ("evaluate", "--all", "--card", "broken/a.nasc"): (
        "error: broken/a.nasc has no place for the figures\n"
        "  help: write <!-- figures: begin --> and <!-- figures: end --> into it\n"
    ),
    ("evaluate", "--all", "--record", "broken/record.jsonl"): (
        "error: broken/record.jsonl holds what is no trial\n"
        "  help: name a record of `nasc evaluate --all`, or a new file\n"
    ),
    ("spectra", "r1", "--near", "nowhere"): (
        "error: there is no folder nowhere\n  help: name a folder that holds models\n"
    ),
    ("spectra", "r1", "--near", "empty"): (
        "error: empty holds no model\n  help: expected files in .nasc, .json, .py, .pt2, .onnx, .keras\n"
    ),
    ("spectra", "r1", "r2", "--near", "empty"): (
        "error: --near compares one model, 2 were given\n  help: name one of them\n"
    ),
    ("spectra", "r1", "--near", "broken"): ("error: no file in broken holds a model\n  help: see the remarks above\n"),
    ("embed", "r1", "--plot", "map.gif"): (
        "error: map.gif names no kind of picture\n  help: name a .svg or a .png file\n"
    ),
    ("embed", "r1", "--route", "r2"): (
        "error: a route is something to draw\n  help: name the picture: --plot FILE.svg\n"
    ),
    ("embed", "--study", "s"): ("error: a route is something to draw\n  help: name the picture: --plot FILE.svg\n"),
    ("embed", "r1", "--plot", "map.svg"): (
        "error: 1 networks are too few for a picture\n"
        "  help: name 5 or more, or give --family nb201 and --data-dir DIR for networks around them\n"
    ),
    ("embed", "r1", "-o", "no/e.npy"): (
        "error: no/e.npy: cannot be written: there is no such folder\n  help: name a file in a folder that exists\n"
    ),
}


@pytest.mark.parametrize(
    "arguments", ["spectra --count", "spectra --top", "embed --limit", "evaluate --limit", "evaluate --seeds"]
)
def test_numbers_that_count_are_above_0(arguments: str, nasc: Run) -> None:
    command, option = arguments.split()
    done = nasc(command, option, "0")
    assert done.code == 2
    assert done.err.endswith(f"nasc {command}: error: argument {option}: '0' is no whole number above 0\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--all --family nb201", "--all ranks every family by its own task: leave --family out"),
        ("--all --task cifar10", "--all ranks every family by its own task: leave --task out"),
        ("--seeds 3", "--seeds goes with --all"),
        ("--record trials.jsonl", "--record goes with --all"),
        ("--family nb101 --card card.md", "--card goes with --all"),
    ],
)
def test_options_of_one_family_and_of_all_are_told_apart(arguments: str, said: str, nasc: Run) -> None:
    done = nasc("evaluate", *arguments.split())
    assert done.code == 2
    assert done.err.endswith(f"nasc evaluate: error: {said}\n")


def test_a_package_that_is_not_installed_is_named() -> None:
    program = "import sys; sys.modules['torch'] = None; from nasc.cli import main; sys.exit(main(['spectra']))"
    done = subprocess.run([sys.executable, "-c", program], input="", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "error: this needs the package torch, which is not installed\n"
        "  help: pip install 'nasc[all]' brings what the commands need on a CPU\n",
    )


def test_a_seed_of_training_is_not_negative(nasc: Run) -> None:
    done = nasc("train", "--seed", "-1")
    assert done.code == 2
    assert done.err.endswith("nasc train: error: argument --seed: '-1' is no whole number from 0 on\n")


@pytest.mark.parametrize("arguments", ERRORS)
def test_errors(
    arguments: tuple[str, ...], nasc: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NASC_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/a.nasc").write_text("nasc 1\n\ngraph", encoding="utf-8")
    Path("broken/record.jsonl").write_text('{"arch": "x"}\n', encoding="utf-8")
    words = [str(folder / f"{word}.nasc") if word in ("r1", "r2") else word for word in arguments]
    done = nasc(*words)
    assert done.code == 1
    assert done.err.endswith(ERRORS[arguments])
