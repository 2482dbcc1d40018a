"""Features and accuracies of a whole family, kept on disk because making them takes minutes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .families import Row, data_folder, family, read_rows
from .features import ROW, Arrays, Features, features
from .statistics import NAMES

VERSION = 2
"""Raise it when the features of a network change: what is kept on disk is then made anew."""

Event = Callable[[str], None]


@dataclass(frozen=True)
class Dataset:
    """Networks of one family: their arrays, measured accuracies [n], and sizes: parameters and MACs [n]."""

    family: str
    graphs: Sequence[Arrays]
    accuracy: NDArray[np.float64]
    params: NDArray[np.float64]
    macs: NDArray[np.float64]

    def take(self, index: NDArray[np.intp]) -> Dataset:
        """Return the networks at these positions."""
        graphs = [self.graphs[i] for i in index]
        return Dataset(self.family, graphs, self.accuracy[index], self.params[index], self.macs[index])


def load(
    name: str,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    on_event: Event | None = None,
    cache: Path | None = None,
) -> Dataset:
    """Return a family's networks, the first ``limit`` of a fixed shuffle of its rows. Raises NascError."""
    kind = family(name)
    rows = read_rows(kind, data_folder(data_dir))
    order = np.random.default_rng(0).permutation(len(rows))[:limit]
    chosen = [rows[i] for i in order]
    path = (cache or _cache_folder()) / f"{name}-{_key(chosen)}.npz"
    if not path.is_file():
        make = partial(_features, kind.network, on_event or (lambda _: None), name)
        _store(path, make([row for row, _ in chosen]), [value for _, value in chosen])
    return _read(name, path)


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nasc" / "features"


def _key(rows: list[tuple[Row, float]]) -> str:
    state = hashlib.blake2b(repr((VERSION, ROW, NAMES)).encode(), digest_size=8)
    for row, value in rows:
        state.update(f"{sorted(row.items())}{value}".encode())
    return state.hexdigest()


def _features(network: Callable[[Row], Any], say: Event, name: str, rows: list[Row]) -> list[Features]:
    made: list[Features] = []
    for index, row in enumerate(rows):
        if index % 2000 == 0:
            say(f"features of {name}: {index} of {len(rows)}")
        made.append(features(network(row)))
    return made


def _store(path: Path, graphs: list[Features], accuracy: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        np.savez_compressed(
            file,
            nodes=np.array([len(g.kinds) for g in graphs], dtype=np.int32),
            lengths=np.array([g.edges.shape[1] for g in graphs], dtype=np.int32),
            kinds=np.concatenate([g.kinds for g in graphs]).astype(np.int8),
            rows=np.concatenate([g.rows for g in graphs]),
            edges=np.concatenate([g.edges for g in graphs], axis=1),
            statistics=np.stack([g.statistics for g in graphs]),
            sizes=np.array([[g.params, g.macs] for g in graphs]),
            accuracy=np.array(accuracy),
        )
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _read(name: str, path: Path) -> Dataset:
    with np.load(path, allow_pickle=False) as data:
        nodes, lengths = np.cumsum(data["nodes"])[:-1], np.cumsum(data["lengths"])[:-1]
        kinds = np.split(data["kinds"].astype(np.int32), nodes)
        rows = np.split(data["rows"], nodes)
        edges = np.split(data["edges"], lengths, axis=1)
        numbers = data["statistics"]
        graphs = [Arrays(*group) for group in zip(kinds, rows, edges, numbers, strict=True)]
        sizes = data["sizes"]
        return Dataset(name, graphs, data["accuracy"], sizes[:, 0], sizes[:, 1])
