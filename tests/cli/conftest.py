"""Runs commands as a user would, in this process or as a pipeline of real ones."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasc.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def nasc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command in this process, with ``stdin`` as its pipe."""

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            code = main(list(arguments))
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """Run a line of shell with the commands of this environment first on PATH."""

    def run(line: str, folder: Path = ROOT, seconds: float = 300) -> Done:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, "PATH": path, "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", "")}
        if not environment["XDG_CACHE_HOME"]:
            del environment["XDG_CACHE_HOME"]
        command = ["bash", "-c", f"set -o pipefail; {line}"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=seconds
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def block() -> str:
    """The text of a small network with a block."""
    return (ROOT / "examples/block.nasc").read_text(encoding="utf-8")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes that the test starts can be interrupted, also where the tests run in a shell's background.

    A signal that is ignored stays so in processes that are started, one that is handled does not.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
