"""What makes networks worse than their size promises: four statistics that are 0 in a sound network.

- *Unbroken depth*: beyond ``SOUND_DEPTH`` layers on the shortest path, the logarithm of how many times as many. Plain
  networks train worse the deeper they are, residual ones do not (He et al., Deep Residual Learning, 2016, figure 1).
- *Narrowness*: how many times the fewest channels that everything must pass are half of ``SOUND_WIDTH``.
- *Linearity*: 1 where nothing but layers is left, falling to 0 where what is not linear is ``SOUND_SHARE`` of them.
- *Blindness*: how many times the receptive field is half of the input's side.

Masked computations let their input through: a variant without a bottleneck is not narrow.
"""

from __future__ import annotations

from math import log, log2

import numpy as np
from numpy.typing import NDArray

from .paths import Links

Array = NDArray[np.float64]
SOUND_DEPTH, SOUND_WIDTH, SOUND_SHARE = 24, 8, 0.15

FLAWS = ("unbroken depth", "narrowness", "linearity", "blindness")
"""Their names among the statistics, in the order of what is returned here."""


def unbroken(shortest: Array) -> Array:
    """Return the unbroken depth [...] of log(1 + layers) on the shortest path [...]."""
    return np.maximum(shortest - log(SOUND_DEPTH), 0.0)


def narrowness(links: Links, widths: Array, joined: NDArray[np.bool_], kept: Array) -> Array:
    """Return the narrowness [variants] of carriers with ``widths`` [n] channels, 0 where they bound nothing.

    Where branches are concatenated (``joined`` [n]) their channels add up, elsewhere the widest branch counts.
    """
    if not ((widths > 0) & (widths < SOUND_WIDTH)).any():
        return np.zeros(len(kept))
    bounds = np.where(kept * widths > 0, widths, np.inf).T
    widest = links.widest(bounds, joined)
    return np.log2(SOUND_WIDTH / np.clip(widest, 1, SOUND_WIDTH))


def linearity(bent: Array, layers: float) -> Array:
    """Return the linearity [variants] of networks of so many layers, ``bent`` [variants] of them not linear."""
    return np.maximum(1 - bent / layers / SOUND_SHARE, 0.0)


def blindness(field: Array, side: float) -> Array:
    """Return the blindness [variants] of log(1 + receptive field) [variants] on inputs of a side of so many places."""
    return np.maximum(log2(side) - field / log(2), 0.0)
