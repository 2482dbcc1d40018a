"""Files stay under 400 lines and functions under 40, docstrings not counted."""

import ast
from pathlib import Path

import pytest

MAX_FILE = 400
MAX_FUNCTION = 40


def function_lengths(source: str) -> dict[str, int]:
    """Return the lines of each function in the source, from `def` to its last line, less its docstring."""
    lengths: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(node) else 0
            lengths[f"{node.name}:{node.lineno}"] = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
    return lengths


def test_lengths_are_counted_without_the_docstring() -> None:
    source = 'def f(x):\n    """One.\n\n    Two.\n    """\n    y = x\n\n    return y\n'
    assert function_lengths(source) == {"f:1": 4}


@pytest.fixture(scope="module")
def sources(root: Path, files: list[Path]) -> dict[Path, str]:
    return {f: (root / f).read_text(encoding="utf-8") for f in files if f.suffix == ".py"}


def test_files_are_short(sources: dict[Path, str]) -> None:
    lines = {str(f): len(text.splitlines()) for f, text in sources.items()}
    assert {f: n for f, n in lines.items() if n > MAX_FILE} == {}


def test_functions_are_short(sources: dict[Path, str]) -> None:
    lengths = {f"{f}:{name}": n for f, text in sources.items() for name, n in function_lengths(text).items()}
    assert lengths
    assert {where: n for where, n in lengths.items() if n > MAX_FUNCTION} == {}
