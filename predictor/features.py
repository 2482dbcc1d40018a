"""The arrays that the predictor reads of a network: a row a carrier, edges, and statistics of the whole.

Rows are relative (widths to the widest layer, resolution to the input's, sizes to the total), so that
networks of any scale look alike to the encoder; absolute sizes enter through the statistics (see
:mod:`.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..ir import Module
from .carriers import fold
from .expansion import expand
from .kinds import Kind
from .layout import ACTIVATION, BIAS, CHANNELS, GROUPS, INPUTS, KERNEL, MACS, NORM, PARAMS, POSITIONS, Layout
from .statistics import Columns, statistics

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

ROW = (
    "log2 kernel area / 3",
    "log2 stride",
    "log groups / log inputs",
    "log2 channels over the widest / 2",
    "log2 channels over inputs",
    "bias",
    "log2 positions over the input's / 4",
    "log10 share of the parameters",
    "log10 share of the MACs",
    "norm",
    "activation",
    "log2 (1 + sources)",
    "log2 (1 + readers)",
)
NORM_FLAG, ACTIVATION_FLAG = ROW.index("norm"), ROW.index("activation")


@dataclass(frozen=True, slots=True)
class Arrays:
    """What the encoder reads of one network.

    ``kinds`` [n] are :class:`Kind` values, ``rows`` [n, len(ROW)] as named in ``ROW``, ``edges`` [2, e] go
    from a carrier to its readers, ``statistics`` [s] are those of the whole network.
    """

    kinds: Integers
    rows: Floats
    edges: Integers
    statistics: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features(Arrays):
    """Arrays of one network, and what its masked variants need.

    ``layout`` has the numbers that statistics sum up; ``places`` maps a node of the entry graph to its carrier
    and role.
    """

    layout: Layout
    places: Mapping[str, tuple[int, int]]


def features(module: Module) -> Features:
    """Return the features of a module, calls expanded. Raises NascError where types cannot be inferred."""
    expansion = expand(module)
    folded = fold(expansion)
    seen = Layout.of(folded.carriers, expansion.positions)
    made = arrays(seen)
    places = {name: folded.places[i] for name, i in expansion.names.items() if i in folded.places}
    return Features(made.kinds, made.rows, made.edges, made.statistics, seen, places)


def layout(module: Module) -> Layout:
    """Return the layout of a module, calls expanded. Raises NascError where types cannot be inferred."""
    expansion = expand(module)
    return Layout.of(fold(expansion).carriers, expansion.positions)


def arrays(layout: Layout, numbers: NDArray[np.float64] | None = None) -> Arrays:
    """Return what the encoder reads of a network with this layout, and its statistics where they are not given."""
    known = whole_statistics(layout) if numbers is None else numbers
    return Arrays(layout.kinds, _rows(layout), layout.edges, known)


def whole_statistics(layout: Layout) -> NDArray[np.float64]:
    """Return the statistics [s] of a network of which nothing is masked."""
    everything = np.ones((1, 3, len(layout.kinds)), dtype=bool)
    result: NDArray[np.float64] = statistics(Columns.of(layout), everything)[0]
    return result


def _rows(layout: Layout) -> Floats:
    v, kinds = layout.numbers, layout.kinds
    stride = np.where(kinds == Kind.GLOBAL_POOL, 1.0, layout.before / v[:, POSITIONS])
    channels = np.log2(np.maximum(v[:, CHANNELS], 1))
    inputs = np.maximum(v[:, INPUTS], 1)
    columns = [
        np.log2(v[:, KERNEL]) / 3,
        np.log2(np.maximum(stride, 1e-3)),
        np.log(np.maximum(v[:, GROUPS], 1)) / np.log(np.maximum(inputs, 2)),
        (channels - channels.max()) / 2,
        channels - np.log2(inputs),
        v[:, BIAS],
        np.log2(np.maximum(v[:, POSITIONS], 1) / layout.positions) / 4,
        _share(v[:, PARAMS]),
        _share(v[:, MACS]),
        v[:, NORM],
        v[:, ACTIVATION],
        np.log2(1 + np.bincount(layout.edges[1], minlength=len(v))),
        np.log2(1 + np.bincount(layout.edges[0], minlength=len(v))),
    ]
    result: Floats = np.clip(np.stack(columns, axis=1), -8, 8).astype(np.float32)
    return result


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of each value's share in their sum, 0 where it is nothing."""
    result: NDArray[np.float64] = np.log10(values / max(values.sum(), 1.0) + 1e-4) + 4
    return result


def mask_places(
    features: Features, masks: Iterable[Iterable[str]], places: Mapping[str, tuple[int, int]] | None = None
) -> NDArray[np.bool_]:
    """Return what each variant keeps, [variants, 3, n]: computation, norm and activation of every carrier.

    Names without a place (a reshape, a value that the network does not use) change nothing.
    """
    known = features.places if places is None else places
    sets = list(masks)
    keep = np.ones((len(sets), 3, len(features.kinds)), dtype=bool)
    for variant, names in enumerate(sets):
        for name in names:
            if name in known:
                carrier, role = known[name]
                keep[variant, role, carrier] = False
    return keep
