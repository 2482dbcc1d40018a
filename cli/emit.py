"""`nasc emit`: the IR as PyTorch source, JSON or a picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .arguments import add_output, add_source
from .output import on_terminal, write_text
from .source import read_module

if TYPE_CHECKING:
    from ..ir import Module

EXAMPLE = """\
examples:
  nasc lower examples/resnet_cifar.py | nasc emit --to torch > again.py
  nasc emit examples/block.nasc --to dot
"""

TARGETS = ("torch", "json", "dot", "nasc")


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument("--to", choices=TARGETS, default="torch", help="what to emit; default: torch")
    command.add_argument("--flat", action="store_true", help="PyTorch without factoring out repeated blocks first")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Emit the source."""
    module = read_module(arguments.source, arguments)
    if arguments.to == "torch" and len(module.graphs) == 1 and not arguments.flat:
        from ..passes import Outline

        module = Outline()(module)
    write_code(emitted(module, arguments.to), arguments.to, arguments.output)
    return 0


def emitted(module: Module, target: str, header: tuple[str, ...] = ()) -> str:
    """Return a module in the form that a target names."""
    if target == "torch":
        from ..backends import emit_torch

        return emit_torch(module, header)
    if target == "dot":
        from ..backends import emit_dot

        return emit_dot(module)
    if target == "json":
        import json

        from ..grammar import to_json

        return json.dumps(to_json(module), indent=1)
    from ..grammar import print_module

    return print_module(module)


def write_code(text: str, target: str, path: str | None) -> None:
    """Write emitted text; in colour where it is Python and people look at it."""
    if path is None and target == "torch" and on_terminal():
        from rich.syntax import Syntax

        from .output import console

        console().print(Syntax(text, "python", background_color="default"))
        return
    write_text(text, path)
