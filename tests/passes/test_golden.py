"""Golden cases in tests/golden/passes: a pipeline, IR before it, and IR or errors after it.

    // ==== what the case shows
    // run: canonicalize
    (IR)
    // ---- becomes ----
    (IR), or lines `// error: ...`

NASC_UPDATE_GOLDEN=1 writes what comes out into the files.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from nasc.grammar import parse, print_module
from nasc.ir import Module, NascError, digest, verify
from nasc.passes import cost, inline, parse_pipeline

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "passes"
TITLE, RUN, BECOMES, ERROR = "// ==== ", "// run: ", "// ---- becomes ----\n", "// error: "


def score(module: Module, masks: Sequence[frozenset[str]]) -> list[float]:
    """A score that is known: the share of the multiply-accumulates that is not masked."""
    macs = {node.name: node.macs for node in cost(module).nodes}
    return [1 - sum(macs[name] for name in mask) / sum(macs.values()) for mask in masks]


def cases() -> list[tuple[Path, str]]:
    """Return every case: its file and its title."""
    return [
        (path, line.removeprefix(TITLE).strip())
        for path in sorted(GOLDEN.glob("*.nasc"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(TITLE)
    ]


def split(path: Path) -> dict[str, str]:
    """Return the cases of a file by title, each without it."""
    parts = path.read_text(encoding="utf-8").split(TITLE)
    return {part.partition("\n")[0].strip(): part.partition("\n")[2] for part in parts[1:]}


def run(pipeline: str, text: str) -> str:
    """Return the IR after a pipeline, or the errors."""
    try:
        return print_module(parse_pipeline(pipeline, score=score)(parse(text)), locations=False)
    except NascError as error:
        return "".join(f"{ERROR}{line}\n" for line in str(error).splitlines())


@pytest.mark.parametrize(("path", "title"), cases(), ids=lambda value: getattr(value, "stem", value))
def test_golden(path: Path, title: str) -> None:
    text = split(path)[title]
    head, _, rest = text.partition("\n")
    before, _, after = rest.partition(BECOMES)
    made = run(head.removeprefix(RUN), before)
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        whole = path.read_text(encoding="utf-8")
        old = f"{TITLE}{title}\n{text}"
        path.write_text(whole.replace(old, f"{TITLE}{title}\n{head}\n{before}{BECOMES}{made}\n"), encoding="utf-8")
        return
    assert made == after.rstrip("\n") + "\n"


@pytest.mark.parametrize(("path", "title"), cases(), ids=lambda value: getattr(value, "stem", value))
def test_golden_results_hold(path: Path, title: str) -> None:
    """What a case becomes checks, reads back as itself, and the pipeline leaves it as it is."""
    after = split(path)[title].partition(BECOMES)[2]
    if after.startswith(ERROR):
        return
    module = parse(after)
    assert verify(module) == ()
    assert print_module(module, locations=False).rstrip("\n") == after.rstrip("\n")
    again = parse_pipeline(split(path)[title].partition("\n")[0].removeprefix(RUN), score=score)(module)
    assert digest(inline(again)) == digest(inline(module))
