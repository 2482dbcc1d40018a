"""`nasc embed`: embeddings of models, as numbers or as a picture among the networks of benchmarks."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import add_output, add_source, positive
from .output import need_place, say, write_text
from .source import read_module

if TYPE_CHECKING:
    from ..ir import Module
    from ..predictor import Predictor
    from ..predictor.pictures import Scene

EXAMPLE = """\
--plot places the models by t-SNE among networks of benchmark families, drawn from the tables in --data-dir
or $NASC_DATA_DIR. --route draws a line through models in the order given: the steps of a search. --study draws it
through the networks that were the best so far in a study of `nasc search`.

examples:
  nasc embed examples/resnet_cifar.py timm:resnet18 -o embeddings.npy
  nasc embed examples/resnet_cifar.py --plot map.svg --family nb201 --limit 1000
  nasc embed --route a.nasc b.nasc c.nasc --plot route.png
  nasc embed --study demo --plot searched.svg
"""
FORMS = (".svg", ".png")


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    add_source(command, many=True)
    command.add_argument("--plot", metavar="FILE", help="draw a picture there, .svg or .png")
    command.add_argument(
        "--route", metavar="SOURCE", nargs="+", default=[], help="with --plot: models to join by a line"
    )
    command.add_argument("--study", metavar="STUDY", help="with --plot: the bests of a search, joined by a line")
    command.add_argument(
        "--family",
        metavar="NAME",
        action="append",
        help="with --plot: a family around them; default: nb201 with tables",
    )
    command.add_argument("--limit", type=positive, default=1000, metavar="N", help="networks a family; default: 1000")
    command.add_argument("--data-dir", metavar="DIR", help="folder of benchmark tables; default: $NASC_DATA_DIR")
    add_output(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write embeddings, or draw them."""
    from ..ir import NascError
    from ..predictor import Predictor

    if arguments.plot and Path(arguments.plot).suffix not in FORMS:
        raise NascError.of(f"{arguments.plot} names no kind of picture", "name a .svg or a .png file", "plot")
    if (arguments.route or arguments.study) and not arguments.plot:
        raise NascError.of("a route is something to draw", "name the picture: --plot FILE.svg", "plot")
    if arguments.plot and arguments.output:
        raise NascError.of("a picture and numbers are two answers", "give --plot FILE or -o FILE, not both", "plot")
    if arguments.plot:
        need_place(arguments.plot)
    sources: list[str] = arguments.sources or ([] if arguments.route or arguments.study else ["-"])
    modules = [read_module(source, arguments) for source in (*sources, *arguments.route)]
    modules += _bests(arguments.study) if arguments.study else []
    predictor = Predictor.load()
    found = predictor.embed(modules)
    if arguments.plot:
        from ..predictor.pictures import draw

        scene = _scene(predictor, found, sources, arguments)
        _write_bytes(draw(scene, Path(arguments.plot).suffix[1:]), arguments.plot)
        known = f"{counted(len(scene.known), 'network')} of {', '.join(dict.fromkeys(scene.families)) or 'no family'}"
        say(f"{arguments.plot}: {known}, {counted(len(found), 'model')}")
    elif arguments.output and arguments.output.endswith(".npy"):
        import io

        import numpy as np

        np.save(buffer := io.BytesIO(), found)
        _write_bytes(buffer.getvalue(), arguments.output)
    else:
        import json

        rows = [{"model": s, "embedding": e} for s, e in zip(sources, found.tolist(), strict=True)]
        write_text(json.dumps(rows), arguments.output)
    return 0


def _bests(study: str) -> list[Module]:
    """Return the networks of a study that were the best when they were evaluated. Raises NascError without one."""
    from ..ir import NascError
    from ..search.engine.opening import Request, located
    from ..search.report.curves import improvements
    from ..search.store import Store

    name, where = located(Request(study))
    store = Store(where, create=False)
    try:
        found = [step.trial.module for step in improvements(store.study(name).trials())]
    finally:
        store.close()
    if not found:
        hint = "let the search go on: `nasc search` with the same name"
        raise NascError.of(f"the study {name} has no evaluated network yet", hint, "route")
    return [module for module in found if module is not None]


def _scene(predictor: Predictor, found: object, sources: list[str], arguments: argparse.Namespace) -> Scene:
    """Return the models and the networks of the families around them. Raises NascError where a table is missing."""
    import numpy as np

    from ..predictor.datasets import load
    from ..predictor.pictures import Scene

    tables = arguments.data_dir or os.environ.get("NASC_DATA_DIR")
    names: list[str] = arguments.family or (["nb201"] if tables else [])
    data = [load(name, arguments.data_dir, arguments.limit, say) for name in names]
    every = np.asarray(found, dtype=np.float32)
    around = [predictor.ensemble.embeddings(one.graphs) for one in data]
    return Scene(
        known=np.concatenate([every[:0], *around]),
        families=[name for name, one in zip(names, data, strict=True) for _ in one.graphs],
        accuracy=np.concatenate([np.zeros(0), *(one.accuracy for one in data)]),
        models=every[: len(sources)],
        labels=[source.rpartition("/")[2] for source in sources],
        route=every[len(sources) :],
    )


def _write_bytes(data: bytes, path: str) -> None:
    from ..ir import NascError
    from ..ir.files import whole

    try:
        with whole(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise NascError.of(
            f"{path}: cannot be written: {error.strerror}", "name a file in a folder that exists"
        ) from None
