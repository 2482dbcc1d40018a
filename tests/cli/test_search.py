"""`nasc search`: begun, gone on with, emitted, interrupted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasc.cli.search_progress import Progress
from nasc.search.engine import Study, Trial, run
from nasc.search.store import Store
from nasc.tests.search.engine.walking import study, weighing

Run = Callable[..., Any]
OWN = """\
import time

def score(model, seed):
    return sum(p.numel() for p in model.parameters()) % 97 / 97

def broken(model, seed):
    raise RuntimeError("no luck")

def reading(model, seed):
    return len(input())

def sized(model, seed):
    return {"score": 0.5, "params": 3}

def slow(model, seed):
    time.sleep(60)
"""
MODEL = """nasc 1

graph @main(%x: f32[N,1,40]) -> f32[N,10] {
  %conv = conv1d %x {out_channels=16, kernel_size=5, stride=2} #conv
  %relu = relu %conv
  %flatten = flatten %relu {start_dim=1}
  %fc = linear %flatten {out_features=10} #fc
  return %fc
}
"""
HELP = "\n  help: repeat the command that began it, or begin another study\n"
WRONG: dict[tuple[str, ...], str] = {
    (): "error: there is no study 's' yet\n  help: give a new one --start MODEL, or --start nb201\n",
    ("--start", "nb201", "--evaluator", "train:own.py:scor"): (
        "error: own.py has no function 'scor'\n  help: did you mean 'score'?\n"
    ),
    ("--start", "nb201", "--max-params", "2x"): (
        "error: 2x of what? nb201 starts from no model\n  help: give a number, such as 5M\n"
    ),
    ("--start", "nb201", "--ops", "conv2"): ("error: there is no op 'conv2'\n  help: did you mean 'conv2d'?\n"),
    ("--start", "nb201", "--objectives", "a b"): (
        "error: 'a b' names no objectives\n"
        "  help: expected metrics with commas between, such as score,params,latency or min:loss\n"
    ),
    ("--start", "nb201", "--batch", "0"): "error: --batch is 0\n  help: expected more than 0\n",
    ("--start", "nb201", "-o", "b.py"): (
        "error: -o b.py says where to write, and not what\n  help: add --emit torch\n"
    ),
    ("--start", "nb201", "--emit", "torch", "-o", "no/b.py"): (
        "error: no/b.py: cannot be written: there is no such folder\n  help: name a file in a folder that exists\n"
    ),
    ("--start", "nb201", "--timeout", "nan"): "error: --timeout is nan\n  help: expected more than 0\n",
    ("--start", "nb201", "--memory", "inf"): "error: --memory is inf\n  help: expected at most 1e+06\n",
    ("--start", "nb201", "--max-params", "0"): "error: --max-params is 0\n  help: expected more than 0\n",
    ("--start", "nb201", "--trials", "-5"): "error: --trials is -5\n  help: expected more than 0\n",
    ("--start", "nb201", "--price", "nan,1"): (
        "error: --price 'nan,1' is no price\n  help: expected two numbers, such as 0.15,0.6\n"
    ),
    ("--start", "nb201", "--price", "1"): (
        "error: --price '1' is no price\n  help: expected two numbers, such as 0.15,0.6\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model and an evaluator."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.nasc").write_text(MODEL, encoding="utf-8")
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def test_a_study_is_begun_resumed_and_emitted(nasc: Run, folder: Path) -> None:
    command = "search first --method random --start model.nasc --evaluator train:own.py:score --batch 2".split()
    done = nasc(*command, "--trials", "2", "--max-params", "0.9x")
    assert done.code == 0, done.err
    assert done.out.startswith("study first: all 2 evaluations are there\n2 proposals in 1 round: 2 done\nbest: trial ")
    trials = Store(folder / "first.db").study("first").trials()
    assert all(trial.metrics["params"] <= 0.9 * 3066 for trial in trials)
    again = nasc("search", "first.db", "--emit", "torch")
    assert again.code == 0
    assert "Found by nasc: study first, trial " in again.out
    assert "def build_model(" in again.out
    fewer = nasc("search", "first", "--trials", "1")
    assert fewer.err.startswith("2 evaluations were asked for before: --trials 1 takes none away\n")
    other = nasc(*command[:4], "--seed", "3", "--evaluator", "predictor")
    assert other.code == 1
    assert other.err == (
        f"error: study 'first' has --evaluator train:own.py:score, not predictor{HELP}"
        f"error: study 'first' has --seed 0, not 3{HELP}2 errors\n"
    )


def test_nothing_is_begun_that_cannot_run(nasc: Run, folder: Path) -> None:
    for options, text in WRONG.items():
        done = nasc("search", "s", *options)
        assert (done.code, done.err) == (1, text), options
    assert not (folder / "s.db").exists()
    done = nasc("search", "", "--start", "nb201")
    assert (done.code, done.err) == (
        1,
        "error: '' is no name of a study\n  help: expected a name, or a file such as study.db\n",
    )
    done = nasc("search", "s", "--workers", "-1")
    assert done.code == 2
    assert done.err.endswith("error: argument --workers: '-1' is no whole number above 0\n")


def test_what_every_network_fails_of_is_told(nasc: Run, folder: Path) -> None:
    command = "search s --method random --start model.nasc --trials 2 --evaluator".split()
    done = nasc(*command, "train:own.py:broken", "--emit", "torch")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith(
        "study s: all 2 evaluations are there\n2 proposals in 1 round: 2 failed\nno network has a score\n"
        "  2 failed: own.py:7: RuntimeError: no luck\n"
    )
    done = nasc("search", "t", *command[2:], "train:own.py:reading")
    assert done.out.endswith("  2 failed: own.py:10: EOFError: EOF when reading a line\n")


def test_an_objective_that_nobody_measures_is_named(nasc: Run, folder: Path) -> None:
    options = "--method random --start model.nasc --trials 1 --evaluator train:own.py:sized --objectives score,parms"
    done = nasc("search", "s", *options.split())
    assert "\nfront of score, parms: empty, for there is no parms in the metrics: macs, params, score\n" in done.out
    assert "score 0.5000, 2.986k parameters" in done.out


def test_an_llm_has_as_long_for_an_answer_as_it_is_given(nasc: Run, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        options = "--method nas-assistant{relevance=false} --start model.nasc --evaluator train:own.py:score".split()
        llm = ("--llm", f"{url}#m?dialect=plain", "--llm-timeout", "0.05")
        done = nasc("search", "s", *options, "--trials", "2", *llm)
    assert done.code == 1
    assert f"error: {url}: no answer within 0.05 s\n  help: give it longer with --timeout (of a search: " in done.err


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_search_goes_on(folder: Path) -> None:
    command = [sys.executable, "-m", "nasc", "search", "s", "--method", "random", "--start", "model.nasc"]
    options = ["--evaluator", "train:own.py:slow", "--trials", "2"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not running(folder / "s.db"):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.endswith("interrupted; `nasc search s` goes on with it\n")
    assert "no network has a score" in out
    assert len(Store(folder / "s.db").study("s").trials()) == 2


def running(where: Path) -> bool:
    """Whether a trial of the store is worked on."""
    if not where.is_file() or not Store(where).has("s"):
        return False
    return any(trial.status == "running" for trial in Store(where).study("s").trials())


def test_progress_names_what_is_evaluated_the_best_and_what_became_of_the_rest(tmp_path: Path) -> None:
    found = study(tmp_path / "s.db", 4)
    assert run(found, weighing()).reason == "trials"
    line = Progress(found).line(found.trials(), time.monotonic())
    assert "4 of 4 evaluated, best 0." in line
    assert " done" in line


def test_a_large_study_is_looked_at_seldom(tmp_path: Path) -> None:
    """By a clock on which a look takes half a second, there is one every ten seconds."""
    now, looks = 0.0, list[float]()

    class Watched(Study):
        def trials(self) -> tuple[Trial, ...]:
            nonlocal now
            looks.append(now)
            now += 0.5
            return super().trials()

    small = study(tmp_path / "s.db", 4)
    progress = Progress(Watched(small.stored, small.space, small.strategy), lambda: now)
    while now < 24:
        now += 0.125
        progress.update()
    assert looks == [0.5, 10.5, 20.5]
