"""`nasc opt`: passes over a model."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .arguments import add_output, add_source
from .output import say, write_module
from .source import read_module

if TYPE_CHECKING:
    from ..ir import Module

EXAMPLE = """\
examples:
  nasc lower examples/resnet_cifar.py | nasc opt -p canonicalize,outline
  nasc opt examples/block.nasc -p "canonicalize{train=true},inline" --timing
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument(
        "-p", "--passes", metavar="PASSES", required=True, help="passes in order, with their options in {}"
    )
    command.add_argument("--timing", action="store_true", help="say on stderr how long each pass took")
    command.add_argument("--print-after", action="store_true", help="print the IR after each pass on stderr")
    command.add_argument("--verify", action="store_true", help="check the IR after each pass")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the passes and print the result."""
    from ..grammar import print_module
    from ..ir import checked
    from ..passes import Pass, parse_pipeline

    def after(ran: Pass, module: Module, seconds: float) -> None:
        if arguments.timing:
            say(f"{seconds * 1000:9.1f} ms  {ran.name}")
        if arguments.print_after:
            sys.stderr.write(f"// after {ran.name}\n{print_module(module)}")
        if arguments.verify:
            checked(module)

    pipeline = parse_pipeline(arguments.passes, score=_score if "relevance" in arguments.passes else None)
    write_module(pipeline.run(read_module(arguments.source, arguments), after), arguments.output)
    return 0


def _score(module: Module, masks: object) -> object:
    from ..predictor import Predictor

    return Predictor.load().score_masked(module, masks)
