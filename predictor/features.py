"""The arrays that the predictor reads of a network: a row a carrier, edges, and statistics of the whole.

Rows are relative (widths to the widest layer, resolution to the input's, sizes to the total), so that
networks of any scale look alike to the encoder; absolute sizes enter through the statistics (see
:mod:`.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir import Module
from .carriers import Carrier, Carriers, fold
from .expansion import expand
from .kinds import Kind
from .signatures import Signature
from .statistics import FOLD, MACS, PARAMS, Columns, statistics

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

    ``columns`` are the statistics' summands; ``places`` maps a node of the entry graph to its carrier and
    role.
    """

    columns: Columns
    places: Mapping[str, tuple[int, int]]

    @property
    def params(self) -> float:
        """Trained parameters of the live part of the network."""
        return float(self.columns.values[:, (PARAMS, FOLD)].sum())

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the live part of the network."""
        return float(self.columns.values[:, MACS].sum())


def features(module: Module) -> Features:
    """Return the features of a module, calls expanded. Raises NascError where types cannot be inferred."""
    expansion = expand(module)
    folded = fold(expansion)
    if not folded.carriers:
        folded = Carriers([_nothing()])
    rows = [_row(c, folded, expansion.positions) for c in folded.carriers]
    edges = [(s, i) for i, c in enumerate(folded.carriers) for s in c.sources]
    columns = Columns.of(folded.carriers, expansion.positions)
    everything = np.ones((1, 3, len(folded.carriers)), dtype=bool)
    return Features(
        kinds=np.array([c.kind for c in folded.carriers], dtype=np.int32),
        rows=_relative(np.array(rows, dtype=np.float64), edges),
        edges=np.array(edges, dtype=np.int32).reshape(-1, 2).T.copy(),
        statistics=statistics(columns, everything)[0],
        columns=columns,
        places={name: folded.places[i] for name, i in expansion.names.items() if i in folded.places},
    )


def _nothing() -> Carrier:
    """Return the carrier that stands for a network that computes nothing."""
    return Carrier(Signature(Kind.ADD, 0, 0, 1, 1, 1, 1, 1, False, False), Kind.ADD, [], 0.0)


def _row(carrier: Carrier, folded: Carriers, positions: float) -> list[float]:
    s = carrier.signature
    before = max((folded.carriers[i].signature.positions for i in carrier.sources), default=positions)
    stride = before / s.positions if carrier.kind != Kind.GLOBAL_POOL else 1.0
    return [
        np.log2(s.kernel) / 3,
        np.log2(max(stride, 1e-3)),
        np.log(max(s.groups, 1)) / max(np.log(max(s.inputs, 2)), 1e-9),
        np.log2(max(s.channels, 1)) / 2,
        np.log2(max(s.channels, 1) / max(s.inputs, 1)),
        s.bias,
        np.log2(max(s.positions, 1) / positions) / 4,
        carrier.params,
        s.macs,
        carrier.norm,
        carrier.activation,
    ]


def _relative(rows: NDArray[np.float64], edges: list[tuple[int, int]]) -> Floats:
    n = len(rows)
    rows[:, 3] -= rows[:, 3].max()
    for column in (7, 8):
        rows[:, column] = np.log10(rows[:, column] / max(rows[:, column].sum(), 1.0) + 1e-4) + 4
    degrees = np.zeros((n, 2))
    for source, target in edges:
        degrees[target, 0] += 1
        degrees[source, 1] += 1
    whole: NDArray[Any] = np.concatenate([rows, np.log2(1 + degrees)], axis=1)
    result: Floats = np.clip(whole, -8, 8).astype(np.float32)
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
