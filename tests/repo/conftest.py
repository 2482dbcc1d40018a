"""The files of the repository, as the tests about the repository see them."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = ("build", "dist", "__pycache__", "nasc.egg-info")


def walk(root: Path) -> list[Path]:
    """Return every file under root in sorted order, less what tools make: builds, caches, environments."""
    found: list[Path] = []
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(d for d in inner if d not in MADE and (not d.startswith(".") or d in (".ci", ".github")))
        found += [Path(folder, name).relative_to(root) for name in sorted(names)]
    return found


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the repository, relative to its root."""
    return walk(ROOT)


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """pyproject.toml, read."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
