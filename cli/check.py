"""`nasc check`: everything that is wrong with a model, and how large it is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import add_source
from .output import write_text
from .source import read_module

if TYPE_CHECKING:
    from ..ir import Module

EXAMPLE = """\
examples:
  nasc check examples/block.nasc
  nasc lower examples/resnet_cifar.py | nasc check --max-params 1M --max-macs 100M
  nasc check examples/block.nasc --format json
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command)
    command.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="form of the findings")
    command.add_argument("--max-params", metavar="N", help="an error above this many parameters: 500k, 10M")
    command.add_argument("--max-macs", metavar="N", help="an error above this many multiply-accumulates: 300M, 4G")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the source; findings go to stderr, or to stdout as data."""
    from ..passes import Check

    module = read_module(arguments.source, arguments)
    Check(max_params=arguments.max_params, max_macs=arguments.max_macs)(module)
    write_text(_summary(module, arguments.format))
    return 0


def _summary(module: Module, form: str) -> str:
    import json

    from ..passes import cost

    if form == "sarif":
        from .output import sarif

        return json.dumps(sarif(()), indent=2)
    total = cost(module)
    nodes = sum(len(graph.nodes) for graph in module.graphs)
    figures = {
        "nodes": nodes,
        "params": total.params,
        "macs": total.macs,
        "activation_bytes": total.activation_bytes,
    }
    if form == "json":
        return json.dumps({"diagnostics": [], **figures}, indent=2)
    return (
        f"ok: {counted(nodes, 'node')} in {counted(len(module.graphs), 'graph')}, "
        f"{counted(total.params, 'parameter')}, {counted(total.macs, 'multiply-accumulate')} "
        f"and {counted(total.activation_bytes, 'byte')} of activations a sample{_open_sizes(module)}"
    )


def _open_sizes(module: Module) -> str:
    """Return what the figures take the open sizes of the entry for; nothing where only the batch is open."""
    from ..ir import symbols_of

    main = module.main
    inner = (symbols_of(size) for value in main.inputs for size in value.type.shape[1:])
    names = sorted(frozenset(main.symbols).union(*inner))
    return f", with {', '.join(names)} = 1" if names else ""
