"""Blocks written in the NADER language: those of the paper's benchmark and some that use the whole language."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "blocks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.fixture(params=NAMES)
def blocks(request: pytest.FixtureRequest) -> str:
    """The text of a base block, its stem and its downsampling block."""
    return (FOLDER / f"{request.param}.txt").read_text(encoding="utf-8")
