"""`make` and CI: what they run, and that a failure of theirs is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def dry_run(root: Path, *targets: str) -> list[str]:
    """Return the lines that make would run for the targets, set-up taken as done."""
    stamps = ["-o", ".venv/.stamp-dev", "-o", ".venv/.stamp-all"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--dry-run", *stamps, *targets],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@needs_make
def test_make_test_checks_everything_and_ends_with_pytest(root: Path) -> None:
    lines = dry_run(root, "test")
    assert len(lines) == 5
    for line, words in zip(
        lines,
        [["bin/ruff check"], ["bin/ruff format --check"], ["bin/lint-imports"], ["mypy", "pyright"], ["bin/pytest"]],
        strict=True,
    ):
        assert all(word in line for word in words)


@needs_make
@pytest.mark.parametrize(("status", "code"), [(0, 0), (2, 2)])
def test_ci_ends_as_make_test_does(status: int, code: int, root: Path, tmp_path: Path) -> None:
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(f'#!/bin/sh\necho "$@ in $PWD, data in $NASC_DATA_DIR"\nexit {status}\n', encoding="utf-8")
    make.chmod(0o755)
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    (tmp_path / "shared" / "data").mkdir(parents=True)
    script = shutil.copy(root / ".ci" / "run", checkout / ".ci" / "run")
    environment = {"PATH": f"{make.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout.strip() == f"test in {checkout}, data in {tmp_path / 'shared' / 'data'}"


@needs_make
def test_demo_runs_the_demo_script(root: Path) -> None:
    assert dry_run(root, "demo")[-1].endswith("bash examples/demo.sh")


def test_benchmarks_count_from_1(root: Path) -> None:
    plain = [path.name for path in (root / "benchmarks").glob("*.py") if "type=int" in path.read_text("utf-8")]
    assert plain == [], "type=positive and type=natural of nasc.cli.arguments say what is wrong with a number"
    command = [sys.executable, "-m", "benchmarks.startup", "--rounds", "0"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("error: argument --rounds: '0' is no whole number above 0\n")
