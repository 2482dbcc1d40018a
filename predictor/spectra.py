"""Spectra of the normalised Laplacian of networks, and the distance between networks that they give.

The graph is the one that the encoder reads (norms and activations folded into what they follow), undirected. Its
Laplacian is ``I - D^-1/2 A D^-1/2``; the eigenvalues lie between 0 and 2 and say how a graph is shaped whatever the
order of its nodes (section 2.1 of the thesis behind nasc, after Dwivedi and Bresson, 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..ir import Module
from .features import features

Floats = NDArray[np.float64]

COUNT = 21
"""How many of the smallest eigenvalues the distance compares, as in the thesis."""
DENSE = 1000
"""Graphs of up to this many nodes are solved as dense matrices, larger ones by Lanczos."""
LARGEST = 2.0
"""No eigenvalue is larger. It stands for those that a graph of fewer nodes does not have."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The shape of a network: how many nodes, and edges [2, e] between them; their directions do not count."""

    nodes: int
    edges: NDArray[np.integer]

    @staticmethod
    def of(module: Module) -> Skeleton:
        """Return the skeleton of a module. Raises NascError where types cannot be inferred."""
        found = features(module)
        return Skeleton(len(found.kinds), found.edges)


def spectra(skeletons: Sequence[Skeleton], count: int | None = None) -> list[Floats]:
    """Return the eigenvalues of each graph's normalised Laplacian, rising: the ``count`` smallest, or all.

    Equal graphs are solved once, and graphs of one size together. A graph of more than ``DENSE`` nodes is solved by
    Lanczos where only a few eigenvalues are wanted. A node without edges has the eigenvalue 0.
    """
    known: dict[tuple[int, bytes], bytes] = {}
    for one in skeletons:
        if (written := (one.nodes, one.edges.tobytes())) not in known:
            known[written] = _key(one)
    keys = [known[one.nodes, one.edges.tobytes()] for one in skeletons]
    distinct = dict(zip(keys, skeletons, strict=True))
    found: dict[bytes, Floats] = {}
    sizes: dict[int, list[bytes]] = {}
    for key, one in distinct.items():
        if one.nodes > DENSE and count is not None and count < one.nodes // 4:
            found[key] = _lanczos(one, count)
        else:
            sizes.setdefault(one.nodes, []).append(key)
    for size, group in sizes.items():
        for start in range(0, len(group), max(1, 4_000_000 // max(size * size, 1))):
            some = group[start : start + max(1, 4_000_000 // max(size * size, 1))]
            found.update(zip(some, _dense(size, [distinct[key] for key in some]), strict=True))
    return [found[key][:count] for key in keys]


def distances(one: Floats, others: Iterable[Floats], count: int = COUNT) -> Floats:
    """Return the spectral distance [n] of a spectrum to others: Euclidean, between the ``count`` smallest eigenvalues.

    Where a graph has fewer, ``LARGEST`` stands for those that it lacks.
    """
    here = _padded(one, count)
    found = [_padded(other, count) - here for other in others]
    result: Floats = np.linalg.norm(np.array(found).reshape(-1, count), axis=1)
    return result


def _padded(spectrum: Floats, count: int) -> Floats:
    return np.pad(spectrum[:count], (0, max(count - len(spectrum), 0)), constant_values=LARGEST)


def _key(skeleton: Skeleton) -> bytes:
    """Return what equal graphs share: their edges, each once, without direction."""
    low, high = _pairs(skeleton)
    codes = np.unique(low * skeleton.nodes + high)
    return np.concatenate([[skeleton.nodes], codes]).tobytes()


def _pairs(skeleton: Skeleton) -> NDArray[np.int64]:
    pairs = np.sort(skeleton.edges.astype(np.int64), axis=0)
    return pairs[:, pairs[0] != pairs[1]]


def _dense(size: int, group: Sequence[Skeleton]) -> list[Floats]:
    """Return all eigenvalues of graphs of one size, which are solved in one call."""
    adjacency = np.zeros((len(group), size, size))
    for matrix, one in zip(adjacency, group, strict=True):
        low, high = _pairs(one)
        matrix[low, high] = matrix[high, low] = 1.0
    degrees = adjacency.sum(axis=2)
    scale = 1 / np.sqrt(np.maximum(degrees, 1))
    laplacian = -adjacency * scale[:, :, None] * scale[:, None, :]
    laplacian[:, np.arange(size), np.arange(size)] = degrees > 0
    return list(torch.linalg.eigvalsh(torch.from_numpy(laplacian)).numpy())


def _lanczos(skeleton: Skeleton, count: int) -> Floats:
    """Return the smallest eigenvalues, found as the largest of the inverse of the Laplacian, shifted off zero."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import eigsh

    n = skeleton.nodes
    low, high = np.unique(_pairs(skeleton), axis=1)
    rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
    degrees = np.bincount(rows, minlength=n)
    scale = 1 / np.sqrt(np.maximum(degrees, 1))
    off = coo_array((-scale[rows] * scale[columns], (rows, columns)), shape=(n, n))
    laplacian = (off + diags_array((degrees > 0).astype(float))).tocsc()
    start = np.random.default_rng(0).standard_normal(n)
    values = eigsh(laplacian, count, sigma=-1e-3, v0=start, return_eigenvectors=False)
    return np.sort(np.clip(values, 0.0, LARGEST))
