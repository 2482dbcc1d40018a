"""`nasc train`: the predictor, trained anew on benchmarks."""

from __future__ import annotations

import argparse

from .arguments import add_task, natural, positive
from .output import say

EXAMPLE = """\
examples (all of it takes less than an hour on two cores; killed and started again, it goes on):
  nasc train --data-dir ../shared/data --output weights/
  nasc train --data-dir ../shared/data --task imagenet --without encoder --output weights/
every command predicts with the weights that NASC_WEIGHTS names:
  NASC_WEIGHTS=weights/ nasc score timm:resnet18
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("--data-dir", metavar="DIR", help="folder of benchmark tables; default: $NASC_DATA_DIR")
    command.add_argument("--epochs", type=positive, metavar="N", help="passes over the networks")
    command.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="networks of the first family, of the others at most 400 each; default: 2000",
    )
    command.add_argument(
        "--seed", type=natural, default=0, metavar="N", help="seed of the weights and the order; default: 0"
    )
    add_task(command, "train on the families and labels of this task alone")
    command.add_argument(
        "--without",
        default="",
        metavar="PARTS",
        help="parts to leave out, with commas between them: trees, encoder",
    )
    command.add_argument("-o", "--output", metavar="FOLDER", help="write the weights there; default: the package")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the weights."""
    from ..predictor import train

    written = train(
        data_dir=arguments.data_dir,
        output=arguments.output,
        epochs=arguments.epochs,
        limit=arguments.limit,
        seed=arguments.seed,
        task=arguments.task,
        without=[part.strip() for part in arguments.without.split(",") if part.strip()],
        on_event=say,
    )
    say(f"wrote {written}")
    return 0
