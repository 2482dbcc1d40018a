"""Layouts and accuracies of a whole family, kept on disk in shards because making them takes minutes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..ir import digest
from ..ir.files import user_cache_dir, whole
from .families import Family, Row, data_folder, family, read_rows
from .features import Arrays, arrays, layout, whole_statistics
from .layout import NUMBERS, Layout
from .statistics import NAMES

VERSION = 3
"""Raise it when the layout or the digest of a network changes: what is kept on disk is then made anew."""

STATISTICS_VERSION = 5
"""Raise it when a statistic of the same name is reckoned otherwise."""

Event = Callable[[str], None]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """Networks of one family: layouts, statistics ``x`` [n, s], digests [n], and measured accuracies as fractions.

    ``accuracies`` [n, tasks] are what a ranking is held against, ``labels`` [n, tasks] what may be trained on.
    """

    family: Family
    layouts: Sequence[Layout]
    x: Floats
    digests: NDArray[np.str_]
    accuracies: Floats
    labels: Floats

    @cached_property
    def graphs(self) -> list[Arrays]:
        """What the encoder reads of each network."""
        return [arrays(one, x) for one, x in zip(self.layouts, self.x, strict=True)]

    @property
    def name(self) -> str:
        """The family's name."""
        return self.family.name

    def columns(self, names: Sequence[str]) -> Floats:
        """Return some statistics [n, len(names)]."""
        return self.x[:, [NAMES.index(name) for name in names]]

    @property
    def accuracy(self) -> Floats:
        """Accuracy [n] in the task that the family is ranked by."""
        return self.accuracies[:, 0]

    @property
    def params(self) -> Floats:
        """Trained parameters [n] of what reaches the output."""
        return np.array([one.params for one in self.layouts])

    @property
    def macs(self) -> Floats:
        """Multiply-accumulates [n] of what reaches the output."""
        return np.array([one.macs for one in self.layouts])

    def take(self, index: NDArray[np.intp]) -> Dataset:
        """Return the networks at these positions."""
        layouts = [self.layouts[i] for i in index]
        return Dataset(
            self.family, layouts, self.x[index], self.digests[index], self.accuracies[index], self.labels[index]
        )

    def without(self, digests: set[str]) -> Dataset:
        """Return the networks whose digest is not among these."""
        return self.take(np.array([i for i, d in enumerate(self.digests.tolist()) if d not in digests], dtype=int))

    def distinct(self) -> Dataset:
        """Return each network once, its accuracies the mean over the rows that are the same network."""
        _, first, which = np.unique(self.digests, return_index=True, return_inverse=True)
        order, counts = np.argsort(first), np.bincount(which)[:, None]
        once = self.take(first[order])
        means: list[Floats] = []
        for values in (self.accuracies, self.labels):
            sums = np.zeros((len(first), values.shape[1]))
            np.add.at(sums, which, values)
            means.append((sums / counts)[order])
        return Dataset(self.family, once.layouts, once.x, once.digests, *means)


Score = Callable[[Dataset], Floats]
"""What ranks networks: a score [n] of each network of a family."""


def load(
    name: str,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    on_event: Event | None = None,
    cache: Path | None = None,
) -> Dataset:
    """Return a family's networks, the first ``limit`` of a fixed shuffle of its rows. Raises NascError.

    Whole shards are read and kept, so that another limit finds them; one that is damaged is made anew, and where none
    can be written the run goes on without.
    """
    say = on_event or _silent
    kind = family(name)
    rows = read_rows(kind, data_folder(data_dir))
    order = np.random.default_rng(0).permutation(len(rows))
    count = len(rows) if limit is None else min(limit, len(rows))
    folder = cache or user_cache_dir() / "features"
    layouts: list[Layout] = []
    digests: list[str] = []
    x: list[Floats] = [np.zeros((0, len(NAMES)))]
    for start in range(0, count, kind.shard):
        chosen = [rows[i][0] for i in order[start : start + kind.shard]]
        path = folder / f"{name}-{_key(kind, chosen)}.npz"
        shard = _kept(path, _read)
        if shard is None:
            say(f"reading the networks of {name}: {start} of {count}")
            shard = _made(kind, chosen)
            _keep(path, partial(_store, shard), say)
        layouts += shard[0]
        digests += shard[1]
        x.append(_statistics(path, shard[0], say))
    values = np.array([rows[i][1] for i in order[: len(layouts)]]).reshape(len(layouts), 2, len(kind.tasks))
    whole_shards = Dataset(kind, layouts, np.concatenate(x), np.array(digests), values[:, 0], values[:, 1])
    return whole_shards.take(np.arange(count))


T = TypeVar("T")
Shard = tuple[list[Layout], list[str]]


def _kept(path: Path, read: Callable[[BinaryIO], T]) -> T | None:
    """Return what a file of the cache holds, None where it is not there or damaged."""
    try:
        with path.open("rb") as file:
            return read(file)
    except (OSError, EOFError, ValueError, LookupError, BadZipFile, zlib.error):
        return None


def _keep(path: Path, write: Callable[[BinaryIO], None], say: Event) -> None:
    """Write a file of the cache, if that can be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part, part.open("wb") as file:
            write(file)
    except OSError as error:
        say(f"{path.parent}: nothing can be kept there: {error.strerror}")


def _statistics(path: Path, layouts: Sequence[Layout], say: Event) -> Floats:
    """Return the statistics [n, s] of a shard, kept beside its file."""
    state = hashlib.blake2b(repr((STATISTICS_VERSION, NAMES)).encode(), digest_size=4)
    place = path.with_name(f"{path.stem}-{state.hexdigest()}.npy")
    found: Floats | None = _kept(place, partial(np.load, allow_pickle=False))
    if found is not None:
        return found
    made = np.array([whole_statistics(one) for one in layouts])
    _keep(place, lambda file: np.save(file, made), say)
    return made


def _silent(line: str) -> None:
    del line


def _key(kind: Family, rows: Sequence[Row]) -> str:
    state = hashlib.blake2b(repr((VERSION, NUMBERS, kind.decoder)).encode(), digest_size=8)
    for row in rows:
        state.update(kind.text(row).encode() + b"\n")
    return state.hexdigest()


def _made(kind: Family, rows: Sequence[Row]) -> Shard:
    layouts: list[Layout] = []
    digests: list[str] = []
    for row in rows:
        module = kind.network(row)
        layouts.append(layout(module))
        digests.append(digest(module))
    return layouts, digests


def _store(shard: Shard, file: BinaryIO) -> None:
    layouts, digests = shard
    np.savez_compressed(
        file,
        nodes=np.array([len(g.kinds) for g in layouts], dtype=np.int32),
        lengths=np.array([g.edges.shape[1] for g in layouts], dtype=np.int32),
        kinds=np.concatenate([g.kinds for g in layouts]).astype(np.int8),
        numbers=np.concatenate([g.numbers for g in layouts]),
        edges=np.concatenate([g.edges for g in layouts], axis=1),
        positions=np.array([g.positions for g in layouts]),
        digests=np.array(digests),
    )


def _read(file: BinaryIO) -> Shard:
    with np.load(file, allow_pickle=False) as data:
        nodes, lengths = np.cumsum(data["nodes"])[:-1], np.cumsum(data["lengths"])[:-1]
        kinds = np.split(data["kinds"].astype(np.int32), nodes)
        numbers = np.split(data["numbers"], nodes)
        edges = np.split(data["edges"], lengths, axis=1)
        positions: list[float] = data["positions"].tolist()
        layouts = [Layout(*group) for group in zip(kinds, numbers, edges, positions, strict=True)]
        return layouts, data["digests"].tolist()
