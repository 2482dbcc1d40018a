"""The examples of docs/search_engine.md run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("number", "output"),
    [(0, r"\d+ \d\.\d+ .*\[\d+(, \d+)*\]\n"), (1, r"-\d+\.0 after \d+ proposals\n")],
)
def test_the_examples_run(number: int, output: str, tmp_path: Path) -> None:
    text = (ROOT / "docs/search_engine.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(output, done.stdout, re.DOTALL), done.stdout
