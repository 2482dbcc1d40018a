"""Hashes of nodes by what lies around them: one round of colour refinement (Weisfeiler and Leman, 1968).

Codes are 64-bit; that two unlike nodes of a million share one by chance has probability 3e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
Integers = NDArray[np.int64]
_ODD = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def mixed(codes: Codes, salt: int) -> Codes:
    """Return codes [n] spread over all 64 bits, otherwise for each salt, 0 to 9."""
    result: Codes = codes ^ _ODD[20 + salt]
    result *= _ODD[30 + salt]
    result ^= result >> np.uint64(32)
    result *= _ODD[40 + salt]
    result ^= result >> np.uint64(29)
    return result


def of_rows(kinds: Integers, rows: NDArray[np.float32]) -> Codes:
    """Return codes [n] of kinds [n] and the numbers in rows [n, r], r at most 20; -0 and 0 are one number."""
    bits = np.ascontiguousarray(rows + np.float32(0)).view(np.uint32).astype(np.uint64)
    codes: Codes = kinds.astype(np.uint64) * _ODD[-1]
    codes += bits @ _ODD[: bits.shape[1]]
    return mixed(codes, 3)


def sums(codes: Codes, start: Integers, index: Integers) -> Codes:
    """Return, for each row, the sum modulo 2**64 of the codes [n] at ``index[start[i]:start[i + 1]]``."""
    running = np.zeros(len(index) + 1, np.uint64)
    np.cumsum(codes[index], out=running[1:])
    return np.diff(running[start])
