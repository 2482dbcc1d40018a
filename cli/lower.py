"""`nasc lower`: a model as IR text."""

from __future__ import annotations

import argparse

from ..ir import counted
from .arguments import SOURCES, add_output, add_source

EXAMPLE = """\
Lowering model.py runs the code in it, as `python model.py` would.

examples:
  nasc lower examples/resnet_cifar.py > resnet.nasc
  nasc lower examples/resnet_cifar.py --weights resnet.safetensors | nasc opt -p outline
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = f"{SOURCES}\n{EXAMPLE}"
    add_source(command)
    command.add_argument("--weights", metavar="FILE", help="write the parameters there, as safetensors")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lower the source and print it."""
    from ..ir import NascError
    from .output import say, write_module
    from .source import read_model

    lowered = read_model(arguments.source, arguments)
    if arguments.weights:
        if not lowered.weights:
            raise NascError.of(
                "the IR carries no weights to write",
                "lower the model itself: nasc lower model.py --weights FILE",
            )
        from ..frontends import write_weights

        write_weights(arguments.weights, lowered.weights)
        say(f"wrote {counted(len(lowered.weights), 'tensor')} to {arguments.weights}")
    write_module(lowered.module, arguments.output)
    return 0
