"""The numbers of a folded network, a row a carrier: all that features are made from, small enough to keep on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .carriers import Carrier
from .kinds import Kind

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

NUMBERS = (
    "params",
    "fold params",
    "macs",
    "kernel",
    "groups",
    "inputs",
    "channels",
    "positions",
    "bias",
    "norm",
    "activation",
)
PARAMS, FOLD, MACS, KERNEL, GROUPS, INPUTS, CHANNELS, POSITIONS, BIAS, NORM, ACTIVATION = range(len(NUMBERS))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """``kinds`` [n] are :class:`Kind` values, ``numbers`` [n, len(NUMBERS)] as named there.

    ``edges`` [2, e] go from a carrier to its readers, sources first; ``positions`` is the number of positions of
    the input.
    """

    kinds: Integers
    numbers: Floats
    edges: Integers
    positions: float

    @staticmethod
    def of(carriers: Sequence[Carrier], positions: float) -> Layout:
        """Return the layout of carriers; without any, that of a network which computes nothing."""
        edges = [(s, i) for i, c in enumerate(carriers) for s in c.sources]
        kinds = [c.kind for c in carriers] or [Kind.ADD]
        numbers = [_numbers(c) for c in carriers] or [[0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0]]
        return Layout(
            np.array(kinds, dtype=np.int32),
            np.array(numbers, dtype=np.float64),
            np.array(edges, dtype=np.int32).reshape(-1, 2).T.copy(),
            positions,
        )

    @property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """The carriers that each carrier reads."""
        groups: list[list[int]] = [[] for _ in self.kinds]
        for source, target in self.edges.T.tolist():
            groups[target].append(source)
        return tuple(tuple(group) for group in groups)

    @property
    def before(self) -> Floats:
        """The most positions among the sources of each carrier [n]; the input's where it has none."""
        most = np.zeros(len(self.kinds))
        np.maximum.at(most, self.edges[1], self.numbers[self.edges[0], POSITIONS])
        has = np.zeros(len(self.kinds), dtype=bool)
        has[self.edges[1]] = True
        return np.where(has, most, self.positions)

    @property
    def params(self) -> float:
        """Trained parameters of the live part of the network."""
        return float(self.numbers[:, (PARAMS, FOLD)].sum())

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the live part of the network."""
        return float(self.numbers[:, MACS].sum())


def _numbers(carrier: Carrier) -> list[float]:
    s = carrier.signature
    return [
        carrier.params,
        carrier.fold_params,
        s.macs,
        s.kernel,
        s.groups,
        s.inputs,
        s.channels,
        s.positions,
        s.bias,
        carrier.norm,
        carrier.activation,
    ]
