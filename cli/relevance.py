"""`nasc relevance`: how much each layer contributes to the predicted score."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import add_output, add_source
from .knowledge import doubt
from .output import console, on_terminal, say, write_module, write_text
from .source import read_module, read_text

if TYPE_CHECKING:
    from ..ir import Module

EXAMPLE = """\
A layer's relevance is the score of the model minus its score with the layer masked, divided by the
largest of these differences: at +1 is the layer that the predicted score leans on most, below 0 a layer
that costs score.

examples:
  nasc relevance timm:resnet18
  nasc lower examples/resnet_cifar.py | nasc relevance --format table
  nasc relevance --annotate examples/resnet_cifar.py -o annotated.py
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument(
        "--format",
        choices=("nasc", "table", "json"),
        help="IR with notes, table, or rows as JSON; default: a table on a terminal, the IR into a pipe",
    )
    command.add_argument("--annotate", metavar="MODEL.PY", help="write the values as comments into this source file")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from ..passes import Relevance
    from ..predictor import Predictor

    source: str | None = arguments.source or arguments.annotate
    given, predictor = read_module(source, arguments), Predictor.load()
    doubt(predictor, given)
    module = Relevance(score=predictor.score_masked)(given)
    if arguments.annotate:
        return _annotate(module, arguments.annotate, arguments.output)
    form = arguments.format or ("table" if on_terminal() and arguments.output is None else "nasc")
    if form == "nasc":
        write_module(module, arguments.output)
    elif form == "json":
        import json

        write_text(json.dumps(rows_of(module), indent=2), arguments.output)
    elif on_terminal() and arguments.output is None:
        draw(module)
    else:
        write_text(plain_table(module), arguments.output)
    return 0


def rows_of(module: Module) -> list[dict[str, object]]:
    """Return the layers, in the order of the graph, with their relevance, parameters and place."""
    from ..passes import relevance_table

    return [row.as_json() for row in relevance_table(module)]


def plain_table(module: Module) -> str:
    """Return the table as aligned plain text with bars."""
    from ..passes import relevance_table

    rows = relevance_table(module)
    width = max((len(row.layer) for row in rows), default=5)
    wide = max((len(row.op) for row in rows), default=2)
    lines = [f"{r.layer:{width}}  {r.op:{wide}}  {r.relevance:+.3f}  {bar(r.relevance)}" for r in rows]
    return "\n".join([f"{'layer':{width}}  {'op':{wide}}  relevance", *lines])


def bar(value: float, width: int = 16) -> str:
    """Return a bar for a value from -1 to 1."""
    length = round(abs(value) * width)
    return ("█" if value >= 0 else "░") * length or "·"


def draw(module: Module) -> None:
    """Draw the table in colour."""
    from rich.table import Table

    from ..passes import relevance_table

    table = Table(box=None, pad_edge=False)
    table.add_column("layer", overflow="fold")
    table.add_column("op", style="dim", no_wrap=True)
    table.add_column("relevance", justify="right", no_wrap=True)
    table.add_column("", overflow="crop")
    for row in relevance_table(module):
        colour = "green" if row.relevance > 0 else "red" if row.relevance < 0 else "dim"
        table.add_row(row.layer, row.op, f"[{colour}]{row.relevance:+.3f}[/]", f"[{colour}]{bar(row.relevance)}[/]")
    console().print(table)


def _annotate(module: Module, path: str, output: str | None) -> int:
    from ..ir import NascError
    from ..passes import annotate_source

    if not path.endswith(".py"):
        raise NascError.of(f"cannot annotate {path}", "name the .py file that holds the model")
    before = read_text(path)
    after = annotate_source(before, module, os.path.relpath(path))
    if "relevance" not in after:
        raise NascError.of(
            f"no layer of the model is written in {path}", "name the file that holds its forward functions"
        )
    write_text(after, output or path)
    changed = sum(a != b for a, b in zip(before.splitlines(), after.splitlines(), strict=False))
    say(f"{counted(changed, 'line')} of {output or path} now with relevance")
    return 0
