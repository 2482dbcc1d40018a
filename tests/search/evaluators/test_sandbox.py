"""The sandbox: outcomes come back, whatever an evaluator does to its process, and the next one is not harmed."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from threading import Timer

import pytest

from nasc.ir import NascError
from nasc.search.evaluators import Sandbox, open_evaluator, sandbox

NETWORK = """nasc 1

graph @main(%x: f32[N,4]) -> f32[N,2] {
  %fc = linear %x {out_features=2} #fc
  return %fc
}
"""
WEIGHTS, SLEEP, HUNGRY, CRASH, RAISE, LIST, NAN, STOPPED = range(8)
OWN = f"""
import os, signal, sys, time, torch

def act(model, seed):
    print("printing does no harm")
    if seed == {SLEEP}:
        time.sleep(600)
    if seed == {HUNGRY}:
        return float(torch.ones(2**30).sum())
    if seed == {CRASH}:
        print("the last words", file=sys.stderr)
        os.abort()
    if seed == {RAISE}:
        return 1 / 0
    if seed == {LIST}:
        return ["no"]
    if seed == {NAN}:
        return float("nan")
    if seed == {STOPPED}:
        os.kill(os.getpid(), signal.SIGSTOP)
    return {{"score": model.fc.weight.sum(), "draw": torch.rand(()), "process": os.getpid()}}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(OWN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def box(own: Path) -> Generator[Sandbox]:
    """A sandbox for all tests: starting one imports PyTorch."""
    with Sandbox(f"train:{own}:act", seconds=60, gib=1) as box:
        yield box


def test_what_goes_wrong_with_a_network_is_an_outcome(box: Sandbox, own: Path) -> None:
    good = box.evaluate(NETWORK, WEIGHTS)
    errors = {seed: box.evaluate(NETWORK, seed) for seed in (HUNGRY, RAISE, LIST, NAN)}
    assert {outcome.status for outcome in errors.values()} == {"failed"}
    assert {seed: outcome.error for seed, outcome in errors.items()} == {
        HUNGRY: "the evaluation needs more than 1 GiB of memory",
        RAISE: f"{own.name}:14: ZeroDivisionError: division by zero",
        LIST: f"error: {own}:act returned ['no']\n"
        "  help: expected a number, or numbers by name with 'score' among them",
        NAN: "the evaluator gave no finite score",
    }
    bad = box.evaluate("nasc 1\n")
    assert (bad.status, bad.error.splitlines()[0]) == (
        "failed",
        "<text>:1:7: error: the text ends too early; was it cut off?",
    )
    assert box.evaluate(NETWORK, WEIGHTS).metrics == good.metrics, "the same process, the same outcome"
    assert box.name == f"train:{own}:act"
    assert box.rank([{"score": 1.0}]) is None


def test_a_process_that_crashes_or_hangs_is_replaced(box: Sandbox) -> None:
    before = box.evaluate(NETWORK, WEIGHTS)
    lost = box.evaluate(NETWORK, CRASH)
    assert lost.status == "failed"
    assert lost.error.startswith("the process of the evaluator was killed by SIGABRT; it said: ")
    assert "the last words" in lost.error
    again = box.evaluate(NETWORK, WEIGHTS)
    processes = [int(outcome.metrics["process"]) for outcome in (before, again)]
    assert processes[0] != processes[1]
    numbers = [{**outcome.metrics, "process": 0} for outcome in (before, again)]
    assert numbers[0] == numbers[1], "it follows from the text and the seed, not from what ran before"
    box.seconds = 0.5
    slow = box.evaluate(NETWORK, SLEEP)
    assert (slow.status, slow.error) == ("failed", "the evaluation took longer than 0.5 s")
    with pytest.raises(ProcessLookupError):
        os.kill(processes[1], 0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells what a process waits for")
def test_a_process_that_others_keep_from_the_processor_is_waited_for(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "seconds", 60)
    pid = int(box.evaluate(NETWORK, WEIGHTS).metrics["process"])
    box.seconds = 0.4
    Timer(0.8, os.kill, (pid, signal.SIGCONT)).start()
    waited = box.evaluate(NETWORK, STOPPED)
    assert (waited.status, waited.metrics["process"]) == ("done", pid)
    assert waited.seconds > 0.4
    stuck = box.evaluate(NETWORK, STOPPED)
    assert stuck.error == "the evaluation took longer than 0.4 s"
    assert 1.6 <= stuck.seconds < 10


def test_an_evaluator_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("def act(model, seed): ...\n", encoding="utf-8")
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n", encoding="utf-8")
    expected = {
        f"train:{own}:akt": f"error: {own} has no function 'akt'\n  help: did you mean 'act'?",
        "train:none.py:f": "error: there is no file none.py\n  help: expected train:FILE.py:function",
        f"train:{broken}:f": (
            f"error: {broken} fails: ZeroDivisionError: division by zero\n  help: run `python {broken}` to see it"
        ),
    }
    for spec, text in expected.items():
        with pytest.raises(NascError) as caught:
            open_evaluator(spec)
        assert str(caught.value) == text
    with pytest.raises(NascError) as caught, Sandbox("train:none.py:f") as box:
        box.evaluate(NETWORK)
    assert str(caught.value) == expected["train:none.py:f"]


def test_a_process_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = tmp_path / "ending.py"
    ending.write_text("import os, sys\nprint('bye', file=sys.stderr, flush=True)\nos._exit(3)\n", encoding="utf-8")
    spec = f"train:{ending}:f"
    with pytest.raises(NascError) as caught, Sandbox(spec) as box:
        box.evaluate(NETWORK)
    assert str(caught.value) == (
        f"error: {spec} did not start: the process of the evaluator ended with code 3; it said: bye"
    )
    with pytest.raises(NascError) as caught, Sandbox(spec) as box:
        box.rank([])
    assert "ended with code 3" in str(caught.value)
    monkeypatch.setattr(sandbox, "START_SECONDS", 0.01)
    with pytest.raises(NascError) as caught, Sandbox(spec) as box:
        box.evaluate(NETWORK)
    assert str(caught.value) == f"error: {spec} did not start within 0.01 s"
