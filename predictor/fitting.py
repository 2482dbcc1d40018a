"""One run of training: trunk, encoders, error on families left out, mixture, and the card of the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from ..ir import NascError
from .datasets import Dataset, load
from .encoder import Encoder
from .encoder_fitting import Corpus, member, shape
from .ensemble import LEADING, Card, Ensemble, Knots
from .evaluation import ranking
from .families import FAMILIES, data_folder, related
from .mixture import Domain
from .targets import knots, normal_scores
from .tasks import TASKS, conditions
from .training import Config
from .trunk import Table, Trunk

Event = Callable[[str], None]
Floats = NDArray[np.float64]
NAME = "nasc"
"""Stem of the weights file."""

MOST = 200
"""Networks of one family that the mixture is fitted to, so that no family is most of it."""

LEAST = 10
"""Networks that a family must have at least to be trained on, and of those held out to tell how well it went."""


def fit(config: Config, data_dir: str | Path | None, folder: Path, say: Event) -> Path:
    """Train everything and write ``NAME.safetensors`` into a folder; see ``nasc.predictor.train``."""
    names = _families(config)
    data_folder(data_dir)
    _make(folder)
    sizes = [_size(config, index, name) for index, name in enumerate(names)]
    sets = [load(n, data_dir, size, say).distinct() for n, size in zip(names, sizes, strict=True)]
    _enough(sets)
    held, parts = split(sets)
    trunk = trunk_of(parts, config)
    say(f"trunk of {len(trunk.forests)} forests fitted to {sum(len(p.x) for p in parts)} networks")
    corpus = Corpus.of([part.take(np.arange(min(len(part.x), config.graphs))) for part in parts], trunk)
    work = folder / f".training-{corpus.key(config)}"
    members = [member(config, index, corpus, work, say) for index in range(config.members)]
    ensemble = _judged(config, trunk, members, parts, say)
    for data in held:
        if len(data.x) >= LEAST:
            scores, _ = ensemble.scores(data.graphs, data.family.task)
            say(f"held-out {data.name}: Spearman {ranking(scores, data.accuracy).spearman:.4f}")
    path = folder / f"{NAME}.safetensors"
    ensemble.write(path)
    _clear(work)
    return path


def _make(folder: Path) -> None:
    """Make the folder of the weights. Raises NascError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NascError.of(
            f"{folder}: cannot be written: {error.strerror}", "name a folder with --output FOLDER", "output"
        ) from None


def _enough(sets: Sequence[Dataset]) -> None:
    """Raise NascError where a family has hardly any networks."""
    for data in sets:
        if len(data.x) < LEAST:
            raise NascError.of(
                f"{data.name} is too small to train on: {len(data.x)} networks that differ",
                f"take {LEAST} or more of each family, with a larger --limit or whole tables",
                "limit",
            )


def _clear(work: Path) -> None:
    """Remove the checkpoints, but not what another process, which trains the same, is just writing beside them."""
    for file in work.glob("member*.safetensors"):
        file.unlink(missing_ok=True)
    with suppress(OSError):
        work.rmdir()


def _size(config: Config, index: int, name: str) -> int:
    most = config.others if index else config.networks
    return min(most, config.models) if FAMILIES[name].decoder == "model" else most


def _families(config: Config) -> list[str]:
    """Return the families of the task that is trained for. Raises NascError where none has it."""
    names = [n for n in config.families if not config.task or config.task in FAMILIES[n].tasks]
    if not names:
        raise NascError.of(
            f"no family to train on knows the task {config.task!r}", "leave --task out to train on all", "task"
        )
    return names


def split(sets: Sequence[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
    """Return a tenth of each family, but for networks of it that another one is trained on, and what is trained on."""
    sizes = [max(len(data.x) // 10, 1) for data in sets]
    parts = [data.take(np.arange(size, len(data.x))) for data, size in zip(sets, sizes, strict=True)]
    seen = {digest for part in parts for digest in part.digests.tolist()}
    return [data.take(np.arange(size)).without(seen) for data, size in zip(sets, sizes, strict=True)], parts


def tables(sets: Sequence[Dataset], only: str = "") -> list[Table]:
    """Return a table for each task of each family, or for one task."""
    return [
        Table(data.x, conditions(task), normal_scores(data.labels[:, column]))
        for data in sets
        for column, task in enumerate(data.family.tasks)
        if task == (only or task)
    ]


def trunk_of(sets: Sequence[Dataset], config: Config) -> Trunk:
    """Return the trunk of some families. Raises NascError without scikit-learn, unless there are no forests."""
    return Trunk.fit(tables(sets, config.task), [config.seed + i for i in range(config.forests)])


def error_left_out(sets: Sequence[Dataset], config: Config) -> float:
    """Return the deviation of what the slopes of all unrelated families leave of each one, offsets apart."""
    few = replace(config, forests=0)
    errors: list[Floats] = []
    for left in sets:
        others = [one for one in sets if one is not left]
        rest = [one for one in others if not related(one.name, left.name)] or others or [left]
        task = few.task or left.family.task
        scores = trunk_of(rest, few)(left.x, np.tile(conditions(task), (len(left.x), 1)))
        error = scores - normal_scores(left.labels[:, list(left.family.tasks).index(task)])
        errors.append(np.array([np.mean((error - error.mean()) ** 2)]))
    return float(np.sqrt(np.mean(errors)))


def _judged(config: Config, trunk: Trunk, members: Sequence[Encoder], parts: Sequence[Dataset], say: Event) -> Ensemble:
    """Return the ensemble with its scales, its error and its domain."""
    card = Card(shape(config), parts[0].name, 1.0, 1.0, {}, asdict(config))
    draft = Ensemble(trunk, members, card)
    own, _ = draft.scores(parts[0].graphs, config.task or parts[0].family.task)
    error = error_left_out(parts, config)
    say(f"error on families left out: {error:.3f} standard deviations")
    card = replace(card, family_std=float(own.std()), residual_std=error, knots=_scales(draft, parts, config))
    points = np.concatenate([draft.points(part.take(np.arange(min(len(part.x), MOST))).graphs) for part in parts])
    return Ensemble(trunk, members, card, Domain.fit(points, LEADING))


READ_FROM = ("nb101", "nb201", "timm", "torchvision", "ofa")
"""Families by which scores read as accuracies, in the order of choice for a task that several have."""


def _scales(ensemble: Ensemble, parts: Sequence[Dataset], config: Config) -> Mapping[str, Knots]:
    """Return the knots of each task that some family has, the first family's own task first."""
    order = sorted(parts, key=lambda p: READ_FROM.index(p.name) if p.name in READ_FROM else len(READ_FROM))
    found: dict[str, Knots] = {}
    for task in dict.fromkeys((config.task or parts[0].family.task, *TASKS)):
        for part in order:
            if task in part.family.tasks:
                scores, _ = ensemble.scores(part.graphs, task)
                labels = part.labels[:, list(part.family.tasks).index(task)]
                found[task] = knots(scores.astype(np.float64), labels)
                break
    return found
