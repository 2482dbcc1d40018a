"""Spectra of the normalised Laplacian of networks, and the distance between networks that they give.

The graph is the one that the encoder reads (norms and activations folded into what they follow), undirected. Its
Laplacian is ``I - D^-1/2 A D^-1/2``; the eigenvalues lie between 0 and 2 and say how a graph is shaped whatever the
order of its nodes (section 2.1 of the thesis behind nasc, after Dwivedi and Bresson, 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .skeletons import Skeleton, Skeletons

Floats = NDArray[np.float64]

COUNT = 21
"""How many of the smallest eigenvalues the distance compares, as in the thesis."""
DENSE = 1000
"""Graphs of up to this many nodes are solved whole, larger ones by Lanczos."""
LARGEST = 2.0
"""No eigenvalue is larger. It stands for those that a graph of fewer nodes does not have."""
NARROW = 16
"""A graph is solved in a band where it has as many times more nodes than the longest edge passes by."""


def spectra(skeletons: Sequence[Skeleton], count: int | None = None) -> list[Floats]:
    """Return the eigenvalues of each graph's normalised Laplacian, rising: the ``count`` smallest, or all.

    Graphs that are equal up to the order of their nodes are solved once. Networks are mostly long and thin, so that in
    the right order the matrix is a narrow band (Cuthill and McKee, 1969), which costs the square of the nodes instead
    of their cube; one that is not is solved as it is. A graph of more than ``DENSE`` nodes is solved by Lanczos where
    only a few eigenvalues are wanted. A node without edges has the eigenvalue 0.
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


def _solved(skeletons: Sequence[Skeleton], count: int | None) -> Iterator[Floats]:
    """Yield the eigenvalues of graphs that have each edge once."""
    for one in Skeletons.of(skeletons).narrowed().apart():
        low, high = one.edges
        if one.nodes > DENSE and count is not None and count < one.nodes // 4:
            yield _lanczos(one, count)
        elif (high - low).max(initial=0) * NARROW <= one.nodes:
            yield _banded(one)
        else:
            yield _dense(one)


def _entries(skeleton: Skeleton) -> tuple[Floats, Floats]:
    """Return the Laplacian's diagonal [n], and its values [e] at the edges."""
    low, high = skeleton.edges
    degrees = np.bincount(skeleton.edges.ravel(), minlength=skeleton.nodes)
    return (degrees > 0).astype(np.float64), -1 / np.sqrt(degrees[low] * degrees[high])


def _banded(skeleton: Skeleton) -> Floats:
    """Return all eigenvalues of a graph whose edges are between nodes that stand near each other."""
    from scipy.linalg import get_lapack_funcs

    low, high = skeleton.edges
    diagonal, values = _entries(skeleton)
    band = np.zeros(((high - low).max(initial=0) + 1, skeleton.nodes), order="F")
    band[0], band[high - low, low] = diagonal, values
    (solve,) = get_lapack_funcs(("sbevd",), (band,))
    found, _, failed = solve(band, compute_v=0, lower=1, overwrite_ab=1)
    return _dense(skeleton) if failed else found


def _dense(skeleton: Skeleton) -> Floats:
    """Return all eigenvalues of a graph."""
    low, high = skeleton.edges
    diagonal, values = _entries(skeleton)
    matrix = np.diag(diagonal)
    matrix[high, low] = values
    # The lower half by rows is the upper half by columns, which LAPACK reads.
    result: Floats = torch.linalg.eigvalsh(torch.from_numpy(matrix).mT, UPLO="U").numpy()
    return result


def _lanczos(skeleton: Skeleton, count: int) -> Floats:
    """Return the smallest eigenvalues, found as the largest of the inverse of the Laplacian, shifted off zero."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import eigsh

    n, (low, high) = skeleton.nodes, skeleton.edges
    diagonal, values = _entries(skeleton)
    rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
    off = coo_array((np.tile(values, 2), (rows, columns)), shape=(n, n))
    laplacian = (off + diags_array(diagonal)).tocsc()
    start = np.random.default_rng(0).standard_normal(n)
    values = eigsh(laplacian, count, sigma=-1e-3, v0=start, return_eigenvectors=False)
    return np.sort(np.clip(values, 0.0, LARGEST))
