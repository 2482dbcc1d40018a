"""Modules are named by the noun they hold, and no file names the machine that it was written on."""

import re
from pathlib import Path

import pytest

VAGUE = {"util", "utils", "base", "common", "helper", "helpers", "misc"}
HOMES = ("work", "root", "home", "Users", "opt")
MACHINE_PATH = re.compile(r"(?<![\w.\-/*$}])/(?:" + "|".join(HOMES) + r")/\w")
TEXT = {".py", ".md", ".toml", ".yml", ".sh", ".lark", ".nasc", ".json", ".txt", ""}


def machine_paths(text: str) -> list[str]:
    """Return the lines that name a path under a home or work folder."""
    return [line.strip() for line in text.splitlines() if MACHINE_PATH.search(line)]


def test_modules_have_telling_names(files: list[Path]) -> None:
    assert [str(f) for f in files if f.suffix == ".py" and f.stem in VAGUE] == []


@pytest.mark.parametrize("home", HOMES)
def test_machine_paths_are_seen(home: str) -> None:
    assert machine_paths(f'DATA = "/{home}/someone/data"')
    assert not machine_paths(f"see https://example.org/{home}/page, ../{home}/x and a/{home}/b")


def test_no_file_names_this_machine(root: Path, files: list[Path]) -> None:
    texts = {f: (root / f).read_text(encoding="utf-8") for f in files if f.suffix in TEXT}
    assert {str(f): lines for f, text in texts.items() if (lines := machine_paths(text))} == {}
