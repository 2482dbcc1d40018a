"""Random images with the statistics of natural ones, where proxies want real data and there is none."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

FALL = 1.2
"""Amplitudes of natural images fall as a power of the frequency: about 1 to 1.2 (Torralba and Oliva 2003)."""
GREY, COLOUR = 0.95, 0.3
"""What the channels have in common, and what each has of its own."""


def natural(count: int, shape: Sequence[int], generator: Generator) -> Tensor:
    """Return ``count`` images of a shape [channels, height, width], of mean 0 and deviation 1 over all of them."""
    channels, height, width = shape
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    frequency = torch.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    frequency[0, 0] = 1 / max(height, width)

    def coloured(depth: int) -> Tensor:
        white = torch.fft.rfft2(torch.randn(count, depth, height, width, generator=generator))
        images: Tensor = torch.fft.irfft2(white / frequency**FALL, s=(height, width))
        return images

    images = GREY * coloured(1) + COLOUR * coloured(channels)
    return (images - images.mean()) / images.std()
