"""`nasc score`: predicted scores of models, best first."""

from __future__ import annotations

import argparse

from .arguments import add_source, add_task
from .output import console, on_terminal, write_text
from .source import read_module

EXAMPLE = """\
examples:
  nasc score timm:resnet18 timm:mobilenetv3_small_100
  nasc score timm:resnet18 timm:resnet34 --task imagenet
  nasc lower examples/resnet_cifar.py | nasc score
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command, many=True)
    add_task(command, "what the models are to be trained on; default: as their input and output suggest")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score the sources and print them by rank."""
    from ..passes import cost
    from ..predictor import Predictor

    sources: list[str] = arguments.sources or ["-"]
    modules = [read_module(source, arguments) for source in sources]
    predictions = Predictor.load().predict(modules, arguments.task)
    ranked = sorted(zip(sources, predictions, modules, strict=True), key=lambda one: (not one[1].known, -one[1].score))
    rows: list[dict[str, object]] = [
        {
            "rank": rank,
            "score": prediction.score,
            "std": prediction.std,
            "in_domain": prediction.in_domain,
            "accuracy": prediction.accuracy,
            "task": prediction.task,
            "params": cost(module).params,
            "macs": cost(module).macs,
            "model": source,
        }
        for rank, (source, prediction, module) in enumerate(ranked, 1)
    ]
    if arguments.format == "json":
        import json

        write_text(json.dumps(rows, indent=2))
    elif on_terminal():
        _draw(rows)
    else:
        write_text("rank\tscore\tstd\tparams\tmacs\tmodel")
        for row in rows:
            write_text(
                f"{row['rank']}\t{_shown(row, 'score')}\t{_shown(row, 'std')}\t"
                f"{row['params']}\t{row['macs']}\t{row['model']}"
            )
    return 0


def _shown(row: dict[str, object], column: str) -> str:
    """Return a number of a row, or `unknown` for a network far from all that was trained on."""
    return f"{row[column]:.4f}" if row["in_domain"] else "unknown"


def _draw(rows: list[dict[str, object]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("rank", "score", "", "params", "MACs"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    for row in rows:
        cells = (
            f"{row['rank']}",
            _shown(row, "score"),
            f"± {_shown(row, 'std')}",
            f"{row['params']:,}",
            f"{row['macs']:,}",
        )
        table.add_row(*cells, escape(str(row["model"])))
    console().print(table)
