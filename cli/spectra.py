"""`nasc spectra`: Laplacian spectra of models, and the models of a folder that are shaped alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import add_output, add_source, positive
from .output import say, write_text
from .source import read_module

if TYPE_CHECKING:
    from ..predictor.skeletons import Skeleton

EXAMPLE = """\
The spectrum is that of the normalised Laplacian of the network's graph, between 0 and 2. The distance of
two networks is Euclidean between their 21 smallest eigenvalues: 0 for equally shaped graphs.

examples:
  nasc spectra timm:resnet18 timm:resnet34
  nasc spectra examples/resnet_cifar.py --near examples
"""
SUFFIXES = (".nasc", ".json", ".py", ".pt2", ".onnx", ".keras")


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command, many=True)
    command.add_argument("--near", metavar="FOLDER", help="list the models of this folder, nearest first")
    command.add_argument(
        "--count", type=positive, metavar="N", default=21, help="how many of the smallest eigenvalues; default: 21"
    )
    command.add_argument("--top", type=positive, metavar="N", help="with --near: list the N nearest only")
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the answer")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print spectra, or the neighbours of one model."""
    from ..ir import NascError
    from ..predictor.skeletons import Skeleton
    from ..predictor.spectra import spectra

    sources: list[str] = arguments.sources or ["-"]
    if arguments.near and len(sources) > 1:
        raise NascError.of(f"--near compares one model, {len(sources)} were given", "name one of them", "near")
    others = _folder(arguments.near) if arguments.near else []
    skeletons = [Skeleton.of(read_module(source, arguments)) for source in sources]
    if arguments.near:
        return _near(skeletons[0], others, arguments)
    found = spectra(skeletons, arguments.count)
    rows: list[dict[str, object]] = [
        {"model": source, "nodes": one.nodes, "eigenvalues": values.tolist()}
        for source, one, values in zip(sources, skeletons, found, strict=True)
    ]
    lines = [
        f"{source}: {counted(one.nodes, 'node')}\n  {' '.join(f'{value:.4f}' for value in values)}"
        for source, one, values in zip(sources, skeletons, found, strict=True)
    ]
    _write(rows, lines, arguments)
    return 0


def _write(rows: list[dict[str, object]], lines: list[str], arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        import json

        write_text(json.dumps(rows, indent=2), arguments.output)
    else:
        write_text("\n".join(lines), arguments.output)


def _folder(name: str) -> list[Path]:
    """Return the files of a folder that may hold a model. Raises NascError."""
    from ..ir import NascError

    folder = Path(name)
    if not folder.is_dir():
        raise NascError.of(f"there is no folder {name}", "name a folder that holds models", "near")
    found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    if not found:
        raise NascError.of(f"{name} holds no model", f"expected files in {', '.join(SUFFIXES)}", "near")
    return found


def _near(skeleton: Skeleton, paths: list[Path], arguments: argparse.Namespace) -> int:
    from ..ir import NascError
    from ..predictor.skeletons import Skeleton
    from ..predictor.spectra import distances, spectra

    known: dict[Path, Skeleton] = {}
    for path in paths:
        try:
            known[path] = Skeleton.of(read_module(str(path), arguments))
        except NascError as error:
            say(f"{path} is left out: {error.diagnostics[0].message}")
    if not known:
        raise NascError.of(f"no file in {arguments.near} holds a model", "see the remarks above", "near")
    here, *others = spectra([skeleton, *known.values()], arguments.count)
    apart = distances(here, others, arguments.count).tolist()
    nearest = sorted(zip(apart, known, strict=True))[: arguments.top]
    rows: list[dict[str, object]] = [
        {"model": str(path), "distance": distance, "nodes": known[path].nodes} for distance, path in nearest
    ]
    lines = ["distance  nodes  model", *(f"{d:8.4f}  {known[path].nodes:5}  {path}" for d, path in nearest)]
    _write(rows, lines, arguments)
    return 0
