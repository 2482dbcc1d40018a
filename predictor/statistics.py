"""Statistics of a whole network, for many masked variants at once.

A masked computation counts for nothing (parameters, MACs, layers) and lets its input through, so the paths of
the graph stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from . import layout as raw
from .flaws import FLAWS, blindness, linearity, narrowness, unbroken
from .kinds import Kind
from .layout import Layout
from .paths import Links, path_lengths

Array = NDArray[np.float64]

COLUMNS = (
    "params",
    "fold params",
    "macs",
    "mixing",
    "pointwise",
    "pool",
    "add",
    "cat",
    "mul",
    "field",
    "norm",
    "activation",
    "outputs",
    "width",
    "bent",
)
PARAMS, FOLD, MACS, MIX, POINT, POOL, ADD, CAT, MUL, FIELD, NORM, ACT, OUT, WIDTH, BENT = range(len(COLUMNS))

NAMES = (
    "log10 params",
    "log10 MACs",
    "mixing layers",
    "pointwise layers",
    "longest path, mixing",
    "longest path, layers",
    "mean path, mixing",
    "mean path, layers",
    "shortest path, mixing",
    "shortest path, layers",
    "receptive field",
    "pool share",
    "pools on mean path",
    "fewest pools",
    "adds",
    "cats",
    "paths",
    "norm share",
    "activation share",
    "log10 size",
    "log10 outputs",
    "activations",
    "mean width",
    "pointwise share",
    *FLAWS,
)
"""Counts and path lengths are log(1 + x); a mixing layer sees more than one position, a 3x3 counts as 1.
Pools are those that keep the resolution: they stand where a convolution could.

The shares of norms and activations are of all layers but the classifier, at most 1; a softmax at the end is none.
Outputs are the numbers that all layers put out. The mean width (log2 of channels, over layers) and the logarithm of the
share of parameters that lie in pointwise layers describe the shape: a masked layer stays in them, so that masking a
narrow one gains nothing.
Both leave out layers that see one position alone, the classifier for one.

The last four are flaws, 0 in a sound network; see :mod:`.flaws`."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Per-carrier numbers to sum up, ``values`` [n, len(COLUMNS)], the carriers' sources, and the input's side."""

    values: Array
    sources: tuple[tuple[int, ...], ...]
    shape: tuple[float, float]
    side: float

    @staticmethod
    def of(layout: Layout) -> Columns:
        """Return the columns of a folded graph."""
        v, kinds = layout.numbers, layout.kinds
        layer = kinds == Kind.CONV
        pool = np.isin(kinds, (Kind.MAX_POOL, Kind.AVG_POOL))
        kernel, positions = v[:, raw.KERNEL], v[:, raw.POSITIONS]
        side = float(np.sqrt(layout.positions))
        read = np.bincount(layout.edges[0], minlength=len(v)) > 0
        shrunk = np.maximum(layout.positions / np.maximum(positions, 1), 1)
        values = [
            v[:, raw.PARAMS],
            v[:, raw.FOLD],
            v[:, raw.MACS],
            np.where(layer, np.log(kernel) / log(9), kinds == Kind.ATTENTION),
            layer & (kernel == 1),
            pool & (layout.before <= positions),
            kinds == Kind.ADD,
            kinds == Kind.CAT,
            kinds == Kind.MUL,
            np.where(_sees_all(layout), side, np.where(layer | pool, (np.sqrt(kernel) - 1) * np.sqrt(shrunk), 0.0)),
            (v[:, raw.NORM] > 0) | (kinds == Kind.NORM),
            ((v[:, raw.ACTIVATION] > 0) | (kinds == Kind.ACTIVATION)) & read,
            layer * v[:, raw.CHANNELS] * positions,
            layer * v[:, raw.CHANNELS] * read,
            np.isin(kinds, (Kind.MAX_POOL, Kind.ATTENTION, Kind.MUL)),
        ]
        table = np.stack([np.asarray(c, dtype=np.float64) for c in values], axis=1)
        return Columns(table, layout.sources, _shape(v, layer & (positions > 1)), side)


def _sees_all(layout: Layout) -> NDArray[np.bool_]:
    """Return which carriers [n] see all positions: attention, and layers that read positions as if they were channels.

    The latter put out one position of many, or read another number of channels than any of their sources has.
    """
    v = layout.numbers
    fits = np.bincount(layout.edges[1], minlength=len(v)) == 0
    fits[layout.edges[1][v[layout.edges[1], raw.INPUTS] == v[layout.edges[0], raw.CHANNELS]]] = True
    turned = ~fits | ((v[:, raw.POSITIONS] <= 1) & (layout.before > 1))
    turned &= (layout.kinds == Kind.CONV) & (v[:, raw.KERNEL] == 1)
    seeing: NDArray[np.bool_] = turned | (layout.kinds == Kind.ATTENTION)
    return seeing


def _shape(v: Array, body: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean width and the pointwise share of layers [n] of the body."""
    if not body.any():
        return 0.0, 0.0
    params = v[:, raw.PARAMS] * body
    pointwise = params[v[:, raw.KERNEL] == 1].sum()
    width = np.log2(np.maximum(v[body, raw.CHANNELS], 1)).mean()
    return float(width), float(np.log10(pointwise / max(params.sum(), 1.0) + LEAST_SHARE))


LEAST_SHARE = 2e-4
"""Added to the share of pointwise layers, so that networks without any are alike, whatever their size."""


PARAMS_SHARE = 0.1
"""Share of the parameters in the size. In nb101 they go with the MACs, so no training could tell the two apart."""


def statistics(columns: Columns, keep: NDArray[np.bool_]) -> Array:
    """Return statistics [variants, len(NAMES)] of what each variant keeps, [variants, 3, n]."""
    v = columns.values
    main, norm, act = (keep[:, role].astype(np.float64) for role in range(3))
    sums = main @ v
    params = sums[:, PARAMS] + norm @ v[:, FOLD]
    layers = np.maximum(sums[:, MIX] + sums[:, POINT], 1e-9)
    links = Links.of(columns.sources)
    paths = _paths(links, v, main)
    inner = max(float(((v[:, MIX] > 0) + v[:, POINT]).sum()) - 1, 1.0)
    weight, work = np.log10(params + 1e3), np.log10(sums[:, MACS] + 1e5)
    return np.stack(
        [
            weight,
            work,
            np.log1p(sums[:, MIX]),
            np.log1p(sums[:, POINT]),
            *paths[:7],
            sums[:, POOL] / (layers + sums[:, POOL]),
            *paths[7:9],
            np.log1p(sums[:, ADD]),
            np.log1p(sums[:, CAT]),
            paths[9],
            np.minimum(norm @ v[:, NORM] / inner, 1.0),
            np.minimum(act @ v[:, ACT] / inner, 1.0),
            PARAMS_SHARE * weight + (1 - PARAMS_SHARE) * work,
            np.log10(sums[:, OUT] + 1e4),
            np.log1p(act @ v[:, ACT]),
            *(np.full(len(keep), value) for value in columns.shape),
            unbroken(paths[5]),
            narrowness(links, v[:, WIDTH], v[:, CAT] > 0, main),
            linearity(sums[:, BENT] + act @ v[:, ACT], inner),
            blindness(paths[6], columns.side),
        ],
        axis=1,
    )


def _paths(links: Links, v: Array, main: Array) -> list[Array]:
    """Return ten path statistics, [variants] each, in the order of ``NAMES`` (see there)."""
    layers = v[:, MIX].clip(0, 1).round() + v[:, POINT]
    weights = np.stack([v[:, FIELD], v[:, MIX], layers, v[:, POOL]], axis=1)
    longest, mean, shortest, count = path_lengths(links, weights, main)
    order = [longest[1], longest[2], mean[0], mean[1], shortest[0], shortest[1], longest[0], mean[2], shortest[2]]
    return [*(np.log1p(lengths) for lengths in order), np.full(len(main), np.log1p(count))]
