"""The command line: every command with its options, built without importing what the commands use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from math import inf, isnan, nan

from .. import __version__

COMMANDS = {
    "lower": "turn a model into the IR",
    "check": "report everything that is wrong with a model, and its size",
    "verify": "test that two models compute the same, with the same weights",
    "diff": "show what was inserted, deleted, changed and moved between two models",
    "opt": "run passes over a model",
    "relevance": "measure how much each layer contributes to the predicted score",
    "rewrite": "let an LLM, or chance, edit a model until it scores better",
    "search": "look for better networks by any method, with any evaluator, resumably",
    "ideas": "read papers into the ideas that some searches try",
    "report": "show what a search did, as a page or in the terminal",
    "emit": "turn the IR into PyTorch, ONNX, JSON or a picture",
    "score": "predict how well models will do, without training them",
    "spectra": "show the Laplacian spectra of models, and which models are shaped alike",
    "embed": "show where the predictor sees models, as numbers or as a picture",
    "train": "train the predictor on a benchmark",
    "evaluate": "compare the predictor's ranking with measured accuracy",
}

SOURCES = """\
a SOURCE is one of
  model.py                      the module-level model, or the class that can be built without arguments
  model.py:Net                  one class or model of it
  model.py:Net(num_classes=10)  the same, with arguments; they may call classes of the file: Net(Config(depth=2))
  timm:NAME  torchvision:NAME   a model of these libraries, without pretrained weights
  keras:NAME  model.keras       a model of keras.applications with random weights; one that Keras 3 saved
  saved_model/  model.py:fn     a SavedModel's folder; a function of tf.function
  transformers:NAME             a small one of transformers: bert gpt2 llama mistral t5_encoder vit swin clip_vision
                                whisper_encoder convnextv2 dinov2 segformer; transformers:bert(hidden_size=128)
  nb201:STRING  nds:JSON  ...   a network of a benchmark; see docs/cells.md for the ten families
  blocks.txt  nader:FILE(...)   blocks in the NADER language; see docs/nader.md
  model.pt2                     a program saved by torch.export
  model.nasc  model.json        the IR itself
  -                             the IR from a pipe; also what is read where no SOURCE is given
"""


class Help(argparse.RawDescriptionHelpFormatter):
    """Help as it was written, in a line width that fits most terminals."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser of the whole command line; only the command that ``argv`` names has its options."""
    words = sys.argv[1:] if argv is None else argv
    first = next((word for word in words if not word.startswith("-")), "")
    named = first if first in COMMANDS else None
    root = argparse.ArgumentParser(
        prog="nasc",
        formatter_class=Help,
        description="A compiler for neural architectures.",
        epilog=f"{SOURCES}\nexample:\n"
        "  nasc lower model.py | nasc relevance | nasc rewrite --llm local --emit torch > better.py",
    )
    root.add_argument("--version", action="version", version=f"nasc {__version__}")
    root.set_defaults(run=None)
    commands = root.add_subparsers(metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=_sentence(summary), formatter_class=Help)
        if name == named:
            import_module(f".{name}", __package__).add(command)
    if first and not named:
        from ..ir import did_you_mean

        root.error(f"there is no command {first!r}: {did_you_mean(first, COMMANDS)}")
    return root


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def add_source(command: argparse.ArgumentParser, many: bool = False) -> None:
    """Add the SOURCE argument and what says how to lower it."""
    if many:
        command.add_argument("sources", metavar="SOURCE", nargs="*", help="models; see `nasc --help`")
    else:
        command.add_argument("source", metavar="SOURCE", nargs="?", help="the model; see `nasc --help`")
    command.add_argument(
        "--input",
        metavar="SHAPE",
        action="append",
        default=[],
        help="shape of an input, 1x3x32x32 or i64[1,128]; once an input",
    )
    command.add_argument("--data", metavar="NAME", help="data loader of model.py whose first batch is the input")


def add_output(command: argparse.ArgumentParser) -> None:
    """Add the option that names the output file; whether it can be written is looked at before the command runs."""
    command.add_argument("-o", "--output", metavar="FILE", help="write there, all or nothing, and not to stdout")
    command.set_defaults(writes_file=True)


def add_task(command: argparse.ArgumentParser, meaning: str) -> None:
    """Declare ``--task``."""
    command.add_argument("--task", choices=("cifar10", "cifar100", "imagenet16", "imagenet"), help=meaning)


def positive(text: str) -> int:
    """Return the whole number above 0 that a text is, for ``type=`` of an option."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def natural(text: str) -> int:
    """Return the whole number from 0 on that a text is, for ``type=`` of an option."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def number(text: str) -> float:
    """Return the number that a text is, for ``type=`` of an option."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if isnan(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return value


def seconds(text: str) -> float:
    """Return the seconds above 0 that a text is, for ``type=`` of an option."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value
