"""Writing results: plain text into pipes and files, colour on terminals, errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..ir import Diagnostic, Module, NascError
from ..ir.files import whole

if TYPE_CHECKING:
    from rich.console import Console


def on_terminal(stream: TextIO | None = None) -> bool:
    """Return whether people look at this stream in colour."""
    stream = stream or sys.stdout
    return bool(stream) and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console(stream: TextIO | None = None) -> Console:
    """Return a rich console on a stream, stdout by default; only made where something is drawn."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, highlight=False)


def write_module(module: Module, path: str | None = None) -> None:
    """Print a module as text: to a file, to a pipe, or in colour to a terminal."""
    from ..grammar import coloured, print_module

    text = print_module(module)
    if path is None and on_terminal():
        text = coloured(text)
    write_text(text, path)


def write_text(text: str, path: str | None = None) -> None:
    """Write text to stdout or, all or nothing, to a file."""
    if not text.endswith("\n"):
        text += "\n"
    if path is None or path == "-":
        sys.stdout.write(text)
        return
    try:
        with whole(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NascError.of(
            f"{path}: cannot be written: {error.strerror}", "name a file in a folder that exists"
        ) from None


def say(text: str) -> None:
    """Print a remark for people on stderr."""
    print(text, file=sys.stderr, flush=True)


def report_errors(error: NascError, form: str = "text") -> int:
    """Print every finding on stderr (or as data on stdout) and return the exit code."""
    write_diagnostics(error.diagnostics, form, error.text)
    return 1


def write_diagnostics(found: Sequence[Diagnostic], form: str, text: str | None = None) -> None:
    """Print findings: text on stderr, JSON or SARIF on stdout."""
    if form == "json":
        sys.stdout.write(json.dumps({"diagnostics": [d.as_json() for d in found]}, indent=2) + "\n")
    elif form == "sarif":
        sys.stdout.write(json.dumps(sarif(found), indent=2) + "\n")
    else:
        for diagnostic in found:
            say(_coloured(diagnostic.render(text)) if on_terminal(sys.stderr) else diagnostic.render(text))
        errors = sum(diagnostic.severity == "error" for diagnostic in found)
        if errors > 1:
            say(f"{errors} errors")


def _coloured(rendered: str) -> str:
    for word, colour in (("error:", "31;1"), ("warning:", "33;1"), ("help:", "36")):
        rendered = rendered.replace(word, f"\033[{colour}m{word}\033[0m", 1)
    return rendered


def sarif(found: Sequence[Diagnostic]) -> dict[str, object]:
    """Return findings as SARIF 2.1.0, which code hosts and editors read."""
    results: list[dict[str, object]] = []
    for diagnostic in found:
        loc = diagnostic.where or diagnostic.source
        result: dict[str, object] = {
            "ruleId": diagnostic.code,
            "level": "error" if diagnostic.severity == "error" else "warning",
            "message": {"text": f"{diagnostic.message}. {diagnostic.hint}".strip()},
        }
        if loc is not None:
            region = {"startLine": max(loc.line, 1), "startColumn": max(loc.column, 1)}
            result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": loc.file}, "region": region}}]
        results.append(result)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "nasc"}}, "results": results}],
    }


def need_place(path: str | Path) -> None:
    """Check before long work that a file can be written there in the end. Raises NascError."""
    place = Path(path)
    folder = place.absolute().parent
    if place.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = "there is no such folder"
    elif not os.access(folder if place.is_file() or not place.exists() else place, os.W_OK):
        reason = "that is not allowed"
    else:
        return
    raise NascError.of(f"{path}: cannot be written: {reason}", "name a file in a folder that exists", "output")
