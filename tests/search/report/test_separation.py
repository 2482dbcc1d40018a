"""Test accuracy is joined in the report alone: what searches and evaluates can reach neither."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = ("held_out", "report")
SEARCHING = ("engine", "evaluators", "spaces", "strategies", "store", "llm")


def imported(path: Path, package: str) -> set[str]:
    """Return the absolute names of all that a module imports, at its top or in functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return found


@pytest.fixture(scope="module")
def search() -> Path:
    import nasc.search

    return Path(nasc.search.__path__[0])


def test_imports_are_seen(search: Path) -> None:
    assert "nasc.search.held_out.table_test" in imported(search / "report" / "final.py", "nasc.search.report")


def test_nothing_that_searches_imports_the_report_or_the_test_columns(search: Path) -> None:
    files = [path for room in SEARCHING for path in (search / room).rglob("*.py")] + sorted(search.glob("*.py"))
    assert len(files) > 20
    reached = {
        str(path.relative_to(search)): names
        for path in files
        if (
            names := {
                name
                for name in imported(path, ".".join(("nasc.search", *path.relative_to(search).parent.parts)))
                if name.startswith(tuple(f"nasc.search.{secret}" for secret in SECRET))
            }
        )
    }
    assert reached == {}


def test_columns_are_named_in_one_file(search: Path) -> None:
    columns = ("c10_test", "c100_test", "in16_test")
    naming = [
        path for path in search.rglob("*.py") if any(name in path.read_text(encoding="utf-8") for name in columns)
    ]
    assert [str(path.relative_to(search)) for path in naming] == ["held_out.py"]


def test_a_process_that_searches_has_not_loaded_them() -> None:
    code = (
        "import sys, nasc.search.engine, nasc.search.evaluators, nasc.search.spaces.nb201, nasc.search.store\n"
        "from nasc.search.evaluators import tables\n"
        "print(*[name for name in sys.modules if name.startswith(('nasc.search.report', 'nasc.search.held_out'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
