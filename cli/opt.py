"""`nasc opt`: passes over a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
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
    from ..passes import PrintAfter, Timing, parse_pipeline, verify_after

    pipeline = parse_pipeline(arguments.passes, score=_score)
    timing = Timing()
    if arguments.timing:
        pipeline = pipeline.watched(timing)
    if arguments.print_after:
        pipeline = pipeline.watched(PrintAfter(sys.stderr.write))
    if arguments.verify:
        pipeline = pipeline.watched(verify_after)
    result = pipeline(read_module(arguments.source, arguments))
    if arguments.timing:
        say(timing.report())
    write_module(result, arguments.output)
    return 0


def _score(module: Module, masks: Sequence[frozenset[str]]) -> Sequence[float]:
    """Load the predictor only where the pipeline holds a pass that scores."""
    from ..predictor import Predictor

    return Predictor.load().score_masked(module, masks)
