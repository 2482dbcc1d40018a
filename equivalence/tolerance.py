"""How far two results may be apart: by dtype, relative to the largest number of the tensor."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

# Sums in another order differ by some tens of roundings; the limits leave room for networks of hundreds of layers.
LIMITS: Mapping[torch.dtype, float] = MappingProxyType(
    {torch.float64: 1e-10, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
)
# Gradients pass through the network twice.
GRADIENTS: Mapping[torch.dtype, float] = MappingProxyType(
    {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 5e-2, torch.bfloat16: 2e-1}
)
FLOOR = 1e-6
"""A tensor whose largest number is below this is compared as if it were this."""


def limit(dtype: torch.dtype, gradient: bool = False, given: float | None = None) -> float:
    """Return the largest error that counts as equal; 0 for integers and truth values."""
    if dtype not in LIMITS:
        return 0.0
    if given is not None:
        return given * 10 if gradient else given
    return GRADIENTS[dtype] if gradient else LIMITS[dtype]


def error(a: Tensor, b: Tensor, scale: float = 0.0) -> float:
    """Return the largest difference of two tensors over the largest number of the first, or over ``scale``.

    What is not a number, or infinite, must be so in both at the same places; else the error is infinite. Integers
    and truth values give the share of places that differ.
    """
    if a.shape != b.shape:
        return float("inf")
    if a.numel() == 0:
        return 0.0
    if not a.is_floating_point():
        return float((a != b.to(a.dtype)).double().mean())
    one, other = a.double(), b.double()
    odd = ~one.isfinite() | ~other.isfinite()
    if odd.any():
        same = (one == other) | (one.isnan() & other.isnan())
        if not bool(same[odd].all()):
            return float("inf")
        one, other = one[~odd], other[~odd]
        if one.numel() == 0:
            return 0.0
    return float((one - other).abs().max()) / max(float(one.abs().max()), scale, FLOOR)
