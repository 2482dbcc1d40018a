"""The padding of the NADER block language, chosen so that windows divide a size by their stride.

    padding = max(ceil((dilation * (kernel - 1) + 1 - stride) / 2), 0)

on both sides; the last rows and columns beyond ``size // stride`` are cropped. The paper's code crops one where
``padding == (dilation * (kernel - 1) + 1) / 2``, that is for even kernels of stride 1. For other strides it relies on
sizes that the stride divides, and gives ``(size + 1) // stride`` for some that it does not; here the rule always holds.
"""

from __future__ import annotations

from ...ir import Dim


def padding(kernel: int, stride: int, dilation: int = 1) -> int:
    """Return the padding on each side of one axis."""
    return max(-(-(dilation * (kernel - 1) + 1 - stride) // 2), 0)


def divided(size: Dim, stride: int) -> Dim:
    """Return the size of an axis after a window of this stride."""
    return size // stride
