"""`nasc verify`: a test that two models compute the same, and its certificate."""

from __future__ import annotations

import argparse

from .arguments import add_output
from .output import write_text

EXAMPLE = """\
Both models are run on the same inputs and with the same weights: a model.py as the nn.Module itself, an .onnx file by
onnxruntime, IR as the PyTorch that nasc emits. Outputs are compared, and where both sides are PyTorch the gradients
of all parameters and training mode too. Where they differ, the first node that does is named with its source line.
It is a test: it proves nothing about inputs that were not run. The exit code is 0 where all was equal, 1 where not.

examples:
  nasc opt -p canonicalize examples/block.nasc | nasc verify examples/block.nasc - --batch 2 --seeds 1
  nasc lower examples/resnet_cifar.py > resnet.nasc && nasc verify examples/resnet_cifar.py resnet.nasc
  nasc emit examples/resnet_cifar.py --to onnx -o resnet.onnx && nasc verify examples/resnet_cifar.py resnet.onnx
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    command.add_argument("a", metavar="A", help="a model: model.py, model.onnx, model.nasc ...; see `nasc --help`")
    command.add_argument("b", metavar="B", help="the model that is to compute the same")
    command.add_argument("--weights-a", metavar="FILE", help="weights of A, safetensors by state-dict key")
    command.add_argument("--weights-b", metavar="FILE", help="weights of B, where they are not to be those of A")
    command.add_argument(
        "--input", metavar="SHAPE", action="append", default=[], help="shape of an input, for both: 1x3x32x32"
    )
    command.add_argument("--data", metavar="NAME", help="data loader of model.py whose first batch is the input")
    command.add_argument("--batch", metavar="N,N", default="1,2,3", help="sizes of the batch; default: 1,2,3")
    command.add_argument("--seeds", type=int, default=2, metavar="N", help="how often numbers are drawn; default: 2")
    command.add_argument("--tolerance", type=float, metavar="X", help="relative error allowed, for all floats")
    command.add_argument("--no-train", action="store_true", help="leave gradients and training mode out")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the certificate")
    add_output(command)
    command.set_defaults(run=run, usage=command.error)


def run(arguments: argparse.Namespace) -> int:
    """Test the two models and print the certificate."""
    batches = _batches(arguments)
    if arguments.seeds < 1:
        arguments.usage(f"--seeds {arguments.seeds}: expected 1 or more")
    if arguments.a == arguments.b == "-":
        arguments.usage("only one of the two models can come from a pipe")
    from ..equivalence import Options, as_data, as_text, verify

    certificate = verify(
        arguments.a,
        arguments.b,
        options=Options(batches, arguments.seeds, not arguments.no_train, arguments.tolerance),
        shapes=arguments.input,
        data=arguments.data,
        weights_a=arguments.weights_a,
        weights_b=arguments.weights_b,
    )
    if arguments.format == "json":
        import json

        write_text(json.dumps(as_data(certificate), indent=2), arguments.output)
    else:
        write_text(as_text(certificate), arguments.output)
    return 0 if certificate.equal else 1


def _batches(arguments: argparse.Namespace) -> tuple[int, ...]:
    sizes = [word.strip() for word in arguments.batch.split(",")]
    if not all(word.isdecimal() and 0 < int(word) <= 4096 for word in sizes):
        arguments.usage(f"--batch {arguments.batch}: expected sizes such as 1,2,3")
    return tuple(int(word) for word in sizes)
