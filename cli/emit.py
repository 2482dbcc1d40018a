"""`nasc emit`: the IR as PyTorch source, an ONNX model, blocks of NADER, JSON or a picture."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .arguments import add_output, add_source
from .output import on_terminal, say, write_text
from .source import read_model

if TYPE_CHECKING:
    from ..frontends import Lowered
    from ..ir import Module

EXAMPLE = """\
An ONNX model needs weights: those of the model that is named, those of --weights, or, for IR that has none, fresh
ones, as the emitted PyTorch has after torch.manual_seed(0). Its nodes say which layer and source line they are.

examples:
  nasc lower examples/resnet_cifar.py | nasc emit --to torch > again.py
  nasc emit examples/block.nasc --to dot
  nasc emit examples/blocks.txt --to nader
  nasc emit examples/resnet_cifar.py --to onnx -o resnet.onnx
  nasc opt -p canonicalize model.nasc | nasc emit --to onnx --weights model.safetensors > model.onnx
"""

TARGETS = ("torch", "json", "dot", "nader", "nasc")


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument("--to", choices=(*TARGETS, "onnx"), default="torch", help="what to emit; default: torch")
    command.add_argument("--flat", action="store_true", help="PyTorch without factoring out repeated blocks first")
    command.add_argument("--weights", metavar="FILE", help="ONNX with these weights, safetensors by state-dict key")
    command.add_argument("--opset", type=int, metavar="N", help="version of the ONNX operators; default: 20")
    command.add_argument("--functions", action="store_true", help="ONNX with blocks kept as local functions")
    add_output(command)
    command.set_defaults(run=run, usage=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Emit the source."""
    onnx = [f"--{name}" for name in ("weights", "opset", "functions") if getattr(arguments, name)]
    if onnx and arguments.to != "onnx":
        arguments.usage(f"{onnx[0]} goes with --to onnx, not --to {arguments.to}")
    if arguments.to == "onnx":
        _refuse_terminal(arguments)
        return _emit_onnx(read_model(arguments.source, arguments), arguments)
    module = read_model(arguments.source, arguments).module
    if arguments.to == "torch" and len(module.graphs) == 1 and not arguments.flat:
        from ..passes import Outline

        module = Outline()(module)
    write_code(emitted(module, arguments.to), arguments.to, arguments.output)
    return 0


def _refuse_terminal(arguments: argparse.Namespace) -> None:
    if arguments.output in (None, "-") and sys.stdout.isatty():
        arguments.usage("an ONNX model is binary: name a file with -o FILE, or pipe it into one")


def _emit_onnx(lowered: Lowered, arguments: argparse.Namespace) -> int:
    from ..backends import emit_onnx, write_onnx
    from ..backends.onnx import OPSET

    weights = lowered.weights or None
    if arguments.weights:
        from ..frontends import read_weights

        weights = read_weights(arguments.weights)
    if weights is None:
        say("the IR carries no weights: fresh ones are drawn under seed 0; --weights FILE gives others")
    opset = OPSET if arguments.opset is None else arguments.opset
    if arguments.output in (None, "-"):
        model = emit_onnx(lowered.module, weights, opset=opset, functions=arguments.functions)
        sys.stdout.buffer.write(model.SerializeToString())
        return 0
    files = write_onnx(arguments.output, lowered.module, weights, opset=opset, functions=arguments.functions)
    if len(files) > 1:
        say(f"wrote {files[0]}, and its weights beside it into {files[1]}")
    return 0


def emitted(module: Module, target: str, header: tuple[str, ...] = ()) -> str:
    """Return a module in the form that a target names."""
    if target == "torch":
        from ..backends import emit_torch

        return emit_torch(module, header)
    if target == "dot":
        from ..backends import emit_dot

        return emit_dot(module)
    if target == "nader":
        from ..backends import emit_nader

        return emit_nader(module)
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
