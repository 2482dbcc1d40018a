"""The examples in the help of every command run as they stand."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from nasc.cli.arguments import COMMANDS

Run = Callable[..., Any]

# These write files where they stand, train for minutes or ask a server with a key; tests of their own cover them.
LONG = (
    "nasc search cells",
    "nasc search small",
    "nasc report",
    "nasc train",
    "nasc evaluate",
    "--weights",
    "-o ",
    "> ",
    "--llm local",
    "--llm openai:",
    "--plot",
)


def examples() -> list[str]:
    """Return the shell lines in the help of all commands."""
    lines: list[str] = []
    for name in COMMANDS:
        text = import_module(f"nasc.cli.{name}").EXAMPLE
        lines += [line.strip() for line in text.splitlines() if line.startswith("  nasc ")]
    return lines


@pytest.mark.parametrize("line", [line for line in examples() if not any(word in line for word in LONG)])
def test_example_runs(shell: Run, line: str) -> None:
    done = shell(line)
    differs = line.startswith("nasc diff") and not done.err
    assert done.code == 0 or (done.code == 1 and differs), done.err
    assert done.out
