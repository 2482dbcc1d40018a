"""`nasc report`: what a search did, as a page or in the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import add_output, natural
from .output import say, write_text

if TYPE_CHECKING:
    from ..ir import Module
    from ..search.report import Annotate, Material

EXAMPLE = """\
The page needs no network: it holds its own script, style and data. Without -o a summary goes to stdout.
Test accuracy, which no search sees, is read here, for the best network of each study alone.

examples:
  nasc report demo > demo.txt
  nasc report demo -o demo.html
  nasc report evolution-0 --compare evolution-1 nader-0 nader-1 -o compared.html
"""
RELEVANCE = 40


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("study", metavar="STUDY", help="the study's name, or the file that it is kept in")
    command.add_argument("--compare", metavar="STUDY", nargs="+", default=[], help="studies to compare it with")
    command.add_argument("--store", metavar="URL", help="file, or postgresql://USER@HOST/DATABASE; default: STUDY.db")
    command.add_argument("--format", choices=("html", "text"), help="default: html with -o, else text")
    command.add_argument(
        "--relevance",
        metavar="N",
        type=natural,
        default=RELEVANCE,
        help=f"measure relevance in the N networks that matter most, 0 for none; default: {RELEVANCE}",
    )
    command.add_argument("--no-test", action="store_true", help="leave test accuracy out")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the studies and write the report."""
    from ..search.report import as_html, as_text

    form = arguments.format or ("html" if arguments.output else "text")
    materials = _materials(arguments)
    if form == "text":
        write_text(as_text(materials), arguments.output)
        return 0
    annotate = _annotate() if arguments.relevance > 0 else None
    write_text(as_html(materials, annotate, arguments.relevance), arguments.output)
    if arguments.output:
        say(f"{arguments.output}: {counted(len(materials[0].trials), 'proposal')} of {materials[0].name}")
    return 0


def _materials(arguments: argparse.Namespace) -> list[Material]:
    from ..search.engine.opening import Request, located
    from ..search.report.reading import material
    from ..search.store import Store

    found: list[Material] = []
    for study in dict.fromkeys([arguments.study, *arguments.compare]):
        name, where = located(Request(study, store=arguments.store))
        store = Store(where, create=False)
        try:
            found.append(material(store.study(name), None if arguments.no_test else tested))
        finally:
            store.close()
    return found


def tested(module: Module, evaluator: str, seed: int) -> Mapping[str, float]:
    """Return test accuracy; without what it needs the report is made all the same."""
    from ..ir import NascError
    from ..search.report.final import final_of

    try:
        return final_of(module, evaluator, seed)
    except NascError as error:
        say(f"no test accuracy: {error.diagnostics[0].message}")
        return {}


def _annotate() -> Annotate | None:
    from ..ir import NascError
    from ..search.report import by_predictor

    try:
        return by_predictor()
    except NascError as error:
        say(f"no relevance: {error.diagnostics[0].message}")
        return None
