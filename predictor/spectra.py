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

from .skeletons import Skeleton, Skeletons

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COUNT = 21
"""How many of the smallest eigenvalues the distance compares, as in the thesis."""
DENSE = 1000
"""Graphs of up to this many nodes are solved as dense matrices, larger ones by Lanczos."""
LARGEST = 2.0
"""No eigenvalue is larger. It stands for those that a graph of fewer nodes does not have."""
ENTRIES = 4_000_000
"""How many entries the matrices that are solved in one call have together."""


def spectra(skeletons: Sequence[Skeleton], count: int | None = None) -> list[Floats]:
    """Return the eigenvalues of each graph's normalised Laplacian, rising: the ``count`` smallest, or all.

    Graphs that are equal up to the order of their nodes are solved once, and graphs of one size in one call. A graph
    of more than ``DENSE`` nodes is solved by Lanczos where only a few eigenvalues are wanted. A node without edges
    has the eigenvalue 0.
    """
    written = [(one.nodes, one.edges.tobytes()) for one in skeletons]
    unlike = dict(zip(written, skeletons, strict=True))
    ordered = Skeletons.of(list(unlike.values())).ordered().apart()
    keys = [(one.nodes, one.edges.tobytes()) for one in ordered]
    shapes = dict(zip(keys, ordered, strict=True))
    found = dict(zip(shapes, _solved(list(shapes.values()), count), strict=True))
    of = {key: found[shape] for key, shape in zip(unlike, keys, strict=True)}
    return [of[key][:count] for key in written]


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


@dataclass(frozen=True, eq=False)
class _Matrix:
    """What is solved for a graph of so many ``nodes``: values [e] at rows [e] and columns [e].

    Where all edges run between two sides of p and q nodes, the adjacency from one to the other [p, q], else the lower
    half of the Laplacian.
    """

    nodes: int
    shape: tuple[int, int]
    row: Integers
    column: Integers
    value: Floats
    two_sided: bool

    @staticmethod
    def of(skeleton: Skeleton, side: NDArray[np.bool_] | None) -> _Matrix:
        """Return what is solved for a graph, with the side of each node where there are two."""
        n, (low, high) = skeleton.nodes, skeleton.edges
        degrees = np.bincount(skeleton.edges.ravel(), minlength=n)
        value = 1 / np.sqrt(degrees[low] * degrees[high])
        if side is None:
            row, column = (np.concatenate([some, np.arange(n)]) for some in (high, low))
            return _Matrix(n, (n, n), row, column, np.concatenate([-value, np.where(degrees > 0, 1.0, 0.0)]), False)
        here, there = side & (degrees > 0), ~side & (degrees > 0)
        row, column = np.where(side[low], low, high), np.where(side[low], high, low)
        shape = int(here.sum()), int(there.sum())
        return _Matrix(n, shape, (np.cumsum(here) - 1)[row], (np.cumsum(there) - 1)[column], value, True)


def _solved(skeletons: Sequence[Skeleton], count: int | None) -> list[Floats]:
    """Return the eigenvalues of graphs that have each edge once, all different."""
    found: dict[int, Floats] = {}
    groups: dict[tuple[bool, tuple[int, int]], dict[int, _Matrix]] = {}
    for i, (one, side) in enumerate(zip(skeletons, Skeletons.of(skeletons).sides(), strict=True)):
        if one.nodes > DENSE and count is not None and count < one.nodes // 4:
            found[i] = _lanczos(one, count)
        else:
            made = _Matrix.of(one, side)
            groups.setdefault((made.two_sided, made.shape), {})[i] = made
    for (_, shape), group in groups.items():
        step, places, matrices = max(1, ENTRIES // max(shape[0] * shape[1], 1)), list(group), list(group.values())
        for start in range(0, len(places), step):
            found.update(zip(places[start : start + step], _dense(matrices[start : start + step]), strict=True))
    return [found[i] for i in range(len(skeletons))]


def _dense(group: Sequence[_Matrix]) -> list[Floats]:
    """Return all eigenvalues of graphs of one size and kind, which are solved in one call."""
    matrices = np.zeros((len(group), *group[0].shape))
    for matrix, one in zip(matrices, group, strict=True):
        matrix[one.row, one.column] = one.value
    if not group[0].two_sided:
        # The lower half by rows is the upper half by columns, which LAPACK reads.
        return list(torch.linalg.eigvalsh(torch.from_numpy(matrices).mT, UPLO="U").numpy())
    return [
        _both(one.nodes - sum(one.shape), values, one.nodes)
        for one, values in zip(group, _singular(matrices), strict=True)
    ]


def _singular(matrices: Floats) -> Floats:
    """Return the singular values [g, m] of matrices [g, p, q], m the smaller of p and q, falling."""
    if not matrices.size:
        return np.zeros((len(matrices), 0))
    result: Floats = torch.linalg.svdvals(torch.from_numpy(matrices)).numpy()
    return result


def _both(alone: int, values: Floats, nodes: int) -> Floats:
    """Return the eigenvalues of a graph with two sides: 1 less and 1 more than the singular values [m] between them."""
    rest = nodes - alone - 2 * len(values)
    return np.concatenate([np.zeros(alone), 1 - values, np.ones(rest), 1 + values[::-1]])


def _lanczos(skeleton: Skeleton, count: int) -> Floats:
    """Return the smallest eigenvalues, found as the largest of the inverse of the Laplacian, shifted off zero."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import eigsh

    n = skeleton.nodes
    low, high = skeleton.edges
    rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
    degrees = np.bincount(rows, minlength=n)
    scale = 1 / np.sqrt(np.maximum(degrees, 1))
    off = coo_array((-scale[rows] * scale[columns], (rows, columns)), shape=(n, n))
    laplacian = (off + diags_array((degrees > 0).astype(float))).tocsc()
    start = np.random.default_rng(0).standard_normal(n)
    values = eigsh(laplacian, count, sigma=-1e-3, v0=start, return_eigenvectors=False)
    return np.sort(np.clip(values, 0.0, LARGEST))
