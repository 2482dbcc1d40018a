"""`nasc lower`: a model as IR text."""

from __future__ import annotations

import argparse

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
    command.add_argument(
        "--static-batch", action="store_true", help="keep the batch size of the input; default: any"
    )
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lower the source and print it."""
    from .output import say, write_diagnostics, write_module
    from .source import read_module

    source: str | None = arguments.source
    if source is None or source == "-" or source.endswith((".nasc", ".json")):
        if arguments.weights:
            from ..ir import NascError

            raise NascError.of(
                "the IR carries no weights to write",
                "lower the model itself: nasc lower model.py --weights FILE",
            )
        write_module(read_module(source), arguments.output)
        return 0
    from ..frontends import lower_source, write_weights

    lowered = lower_source(source, arguments.input, arguments.data, dynamic_batch=not arguments.static_batch)
    write_diagnostics(lowered.warnings, "text")
    if arguments.weights:
        write_weights(arguments.weights, lowered.weights)
        say(f"wrote {len(lowered.weights)} tensors to {arguments.weights}")
    write_module(lowered.module, arguments.output)
    return 0
