"""`nasc diff`: what was inserted, deleted, changed and moved between two models."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arguments import add_output
from .output import on_terminal, write_text
from .source import read_module

if TYPE_CHECKING:
    from ..ir import Module
    from ..passes.diffing import Difference

EXAMPLE = """\
Layers are matched by structure, not by name. Sizes that follow from an edit upstream are no edits, and layers that
only have another name do not make another network. The exit code is 0 where the networks are the same, 1 where they
differ, and 1 with nothing but errors where one cannot be read.

examples:
  nasc diff examples/resnet_cifar.py "examples/resnet_cifar.py:ResNet(depth=4)"
  nasc diff examples/block.nasc examples/block.nasc --format json
  nasc diff timm:resnet18 timm:resnet34 --score
  nasc diff --git-config >> .git/config
"""

GIT_CONFIG = """\
# nasc diff --git-config >> .git/config
# and these two lines into .gitattributes, or .git/info/attributes to keep them to yourself:
#   *.nasc diff=nasc
#   *.onnx diff=nasc
# `git diff` and `git log -p --ext-diff` run the command; where git runs no commands (`git log -p`, `git show`) it
# compares, line by line, the canonical form: renamed values and sizes that follow from others are not in it.
[diff "nasc"]
\tcommand = nasc diff --git
\ttextconv = nasc diff --textconv
"""

NOTHING = os.devnull
FORMATS = ("text", "json", "svg", "html")


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("sources", metavar="SOURCE", nargs="*", help="two models, A and B; see `nasc --help`")
    command.add_argument(
        "--input", metavar="SHAPE", action="append", default=[], help="shape of an input, for both: 1x3x32x32"
    )
    command.add_argument("--data", metavar="NAME", help="data loader of model.py whose first batch is the input")
    command.add_argument("--format", choices=FORMATS, default="text", help="form of the script; default: text")
    command.add_argument("--score", action="store_true", help="also say how the predicted score changes")
    command.add_argument("--git-config", action="store_true", help="print what makes git show such diffs")
    command.add_argument("--git", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("--textconv", action="store_true", help=argparse.SUPPRESS)
    add_output(command)
    command.set_defaults(run=run, usage=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Compare two sources, or do what git asks for."""
    if arguments.git_config:
        write_text(GIT_CONFIG, arguments.output)
        return 0
    if arguments.git:
        return _for_git(arguments)
    if arguments.textconv:
        return _as_lines(arguments)
    sources: list[str] = arguments.sources
    if len(sources) != 2:
        arguments.usage(f"expected two models, A and B, not {len(sources)}")
    if sources == ["-", "-"]:
        arguments.usage("only one of the two models can come from a pipe")
    from ..passes.diffing import diff

    before, after = (read_module(source, arguments) for source in sources)
    difference = diff(before, after, _scores if arguments.score else None)
    write_text(_shown(difference, sources, arguments.format, arguments.output is None), arguments.output)
    return 0 if difference.equal else 1


def _scores(modules: Sequence[Module]) -> list[float]:
    from ..predictor import Predictor

    return [prediction.score for prediction in Predictor.load().predict(modules)]


def _shown(difference: Difference, names: Sequence[str], form: str, to_stdout: bool) -> str:
    from ..passes import diffing

    if form == "json":
        import json

        return json.dumps(diffing.as_data(difference), indent=2)
    if form == "text":
        return diffing.as_text(difference, names, to_stdout and on_terminal())
    return (diffing.as_svg if form == "svg" else diffing.as_html)(difference, names)


def _for_git(arguments: argparse.Namespace) -> int:
    """Show a difference as git's external diff driver; it must not fail, or git would stop at this file.

    git gives the path, then file, hash and mode of both sides; a side that is not there is the null device.
    """
    from ..ir import NascError
    from ..passes.diffing import as_text, diff

    words: list[str] = arguments.sources
    if len(words) < 7:
        write_text(f"* {words[0] if words else 'nothing'}: unmerged")
        return 0
    path, before, after = words[0], words[1], words[4]
    try:
        if NOTHING in (before, after):
            write_text(_one_sided(path, before, after, arguments))
            return 0
        difference = diff(read_module(before, arguments), read_module(after, arguments))
        names = (f"a/{path}", f"b/{words[7] if len(words) > 7 else path}")
        write_text(as_text(difference, names, _git_colours()))
    except NascError as error:
        write_text(f"--- a/{path}\n+++ b/{path}\n{error.render()}")
    return 0


def _one_sided(path: str, before: str, after: str, arguments: argparse.Namespace) -> str:
    from ..passes import cost

    module = read_module(after if before == NOTHING else before, arguments)
    names = (NOTHING, f"b/{path}") if before == NOTHING else (f"a/{path}", NOTHING)
    word, total = ("new" if before == NOTHING else "deleted"), cost(module)
    return f"--- {names[0]}\n+++ {names[1]}\n{word} network: {total.params:,} params, {total.macs:,} MACs"


def _git_colours() -> bool:
    """Return whether git's pager, or a terminal, is to get colours."""
    paged = bool(os.environ.get("GIT_PAGER_IN_USE")) and not os.environ.get("NO_COLOR")
    return paged or on_terminal(sys.stdout)


def _as_lines(arguments: argparse.Namespace) -> int:
    """Print a model so that lines can be compared: canonical, without types, places and notes."""
    from ..grammar import print_module
    from ..ir import NascError
    from ..passes.diffing import flat

    for source in arguments.sources[:1]:
        try:
            module = flat(read_module(source, arguments))
        except NascError as error:
            write_text(error.render())
        else:
            write_text(print_module(module, types=False, locations=False, notes=False))
    return 0
