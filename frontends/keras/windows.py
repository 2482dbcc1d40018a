"""Padding of sliding windows as Keras counts it: "same" gives ``ceil(size / stride)`` windows, the odd pad behind."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Dim
from .call import Call

Pairs = tuple[tuple[int, int], ...]


def same_pads(call: Call, space: Sequence[Dim], kernel: Sequence[int], stride: Sequence[int]) -> Pairs:
    """Return (before, after) for each axis, ``kernel`` being the reach of the dilated kernel.

    ``max((ceil(size / stride) - 1) * stride + kernel - size, 0)`` in all, as TensorFlow documents SAME. Raises
    Unsupported where a size is not known and the stride is not 1.
    """
    pads: list[tuple[int, int]] = []
    for size, k, s in zip(space, kernel, stride, strict=True):
        if isinstance(size, int):
            total = max((-(-size // s) - 1) * s + k - size, 0)
        elif s == 1:
            total = k - 1
        else:
            call.fail('padding="same" with a stride needs known sizes')
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def flat(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return pads as the op ``pad`` takes them: the last axis first."""
    return tuple(side for pair in reversed(pads) for side in pair)


def symmetric(pads: Pairs) -> tuple[int, ...] | None:
    """Return one pad an axis where both sides are equal, else None."""
    return tuple(before for before, _ in pads) if all(before == after for before, after in pads) else None
