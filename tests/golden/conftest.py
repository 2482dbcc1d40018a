"""Golden files: IR text is the language of these tests.

A file is `// run: PIPELINE`, a module, and either `// ---- becomes ----` and the module that comes out, or
`// error: TEXT (column N)` with `// help: TEXT` under each faulty line. `print` reads and prints, `check` verifies
and fills in types, anything else is a pipeline of passes. NASC_UPDATE_GOLDEN=1 writes what comes out.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasc.grammar import located, parse, parse_checked, print_module
from nasc.ir import Diagnostic, Module, NascError
from nasc.passes import parse_pipeline

RUN = "// run: "
BECOMES = "// ---- becomes ----\n"
AREAS = ("parse", "print", "check", "infer")
FINDINGS = ("// error: ", "// help: ")


def run(pipeline: str, text: str) -> Module:
    """Return what a pipeline makes of a text. Raises NascError with places in the text."""
    if pipeline == "print":
        return parse(text, "golden")
    module = parse_checked(text, "golden")
    try:
        return module if pipeline == "check" else parse_pipeline(pipeline)(module)
    except NascError as error:
        raise located(error, text, "golden") from None


def findings(diagnostics: tuple[Diagnostic, ...], line: int) -> list[str]:
    """Return the lines that stand under a line of the text."""
    rows: list[str] = []
    for found in diagnostics:
        if found.where is not None and found.where.line == line:
            column = f" (column {found.where.column})" if found.where.column else ""
            rows += [f"{FINDINGS[0]}{found.message}{column}"] + [f"{FINDINGS[1]}{found.hint}"] * bool(found.hint)
    return rows


def regenerated(golden: str) -> str:
    """Return a golden file as it must be: its input with what comes out."""
    first, _, rest = golden.partition("\n")
    given = rest.partition(BECOMES)[0]
    text = "".join(row for row in given.splitlines(keepends=True) if not row.startswith(FINDINGS))
    try:
        return f"{first}\n{text}{BECOMES}{print_module(run(first.removeprefix(RUN), text))}"
    except NascError as error:
        rows = [first, *findings(error.diagnostics, 0)]
        for number, row in enumerate(text.split("\n"), 1):
            rows += [row, *findings(error.diagnostics, number)] if row or number == 1 else [row]
        return "\n".join(rows)


class GoldenFile(pytest.File):
    """One golden file, one test."""

    def collect(self) -> Iterator[pytest.Item]:
        yield GoldenItem.from_parent(self, name=self.path.stem)


class GoldenItem(pytest.Item):
    """Compares a golden file with what comes out now."""

    def runtest(self) -> None:
        golden = self.path.read_text(encoding="utf-8")
        assert golden.startswith(RUN), f"{self.path} must start with {RUN!r}"
        now = regenerated(golden)
        if os.environ.get("NASC_UPDATE_GOLDEN"):
            self.path.write_text(now, encoding="utf-8")
        assert now == golden or os.environ.get("NASC_UPDATE_GOLDEN"), _difference(golden, now)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"golden: {self.path.parent.name}/{self.name}"


def _difference(golden: str, now: str) -> str:
    from difflib import unified_diff

    rows = unified_diff(golden.splitlines(), now.splitlines(), "golden", "now", lineterm="")
    return "\n".join(["NASC_UPDATE_GOLDEN=1 accepts this:", *rows])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> GoldenFile | None:
    ours = file_path.suffix == ".nasc" and file_path.parent.name in AREAS
    return GoldenFile.from_parent(parent, path=file_path) if ours else None
