"""Images for proxies, which want real data where there is none: parts of photographs, or random ones like them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, log
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from ...ir import NascError

FALL = 1.2
"""Amplitudes of natural images fall as a power of the frequency: about 1 to 1.2 (Torralba and Oliva 2003)."""
GREY, COLOUR = 0.95, 0.3
"""What the channels have in common, and what each has of its own."""


SHARES = 0.15, 0.93
"""The side of a part of a photograph, as a share of the smaller side of it."""
SHIFT = 1 / 8
"""How far a part is moved at most, as a share of its size: four of 32 pixels, as in training on CIFAR-10."""


def photographs(count: int, shape: Sequence[int], generator: Generator) -> Tensor:
    """Return ``count`` parts of photographs of a shape [channels, height, width], mirrored and moved by chance.

    The photographs are the two that scikit-learn carries. Each channel has mean 0 and deviation 1 over all parts before
    they are moved; what comes in at an edge is black. Raises NascError where scikit-learn or Pillow is not installed.
    """
    channels, height, width = shape
    whole = _photographs()

    def part() -> Tensor:
        pick, size, row, column, mirror = torch.rand(5, generator=generator).tolist()
        picture = whole[int(pick * len(whole))]
        rows, columns = picture.shape[1:]
        side = int(min(rows, columns) * exp(log(SHARES[0]) + size * log(SHARES[1] / SHARES[0])))
        top, left = int(row * (rows - side + 1)), int(column * (columns - side + 1))
        cut = picture[None, :, top : top + side, left : left + side]
        fitted = functional.interpolate(cut, (height, width), mode="bilinear", antialias=True)[0]
        return fitted.flip(2) if mirror < 0.5 else fitted

    images = torch.stack([part() for _ in range(count)])
    images = images if channels == 3 else images.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    mean, deviation = images.mean((0, 2, 3), keepdim=True), images.std((0, 2, 3), keepdim=True)
    down, right = int(height * SHIFT), int(width * SHIFT)
    framed = functional.pad(images, (right, right, down, down))
    moves = torch.rand(count, 2, generator=generator).tolist()
    places = [(int(row * (2 * down + 1)), int(column * (2 * right + 1))) for row, column in moves]
    moved = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(framed, places, strict=True)]
    return (torch.stack(moved) - mean) / deviation


@cache
def _photographs() -> tuple[Tensor, ...]:
    """Return photographs [3, rows, columns], from 0 to 1."""
    try:
        from sklearn import datasets

        found: Any = datasets.load_sample_images()
    except ImportError as error:
        missing = "scikit-learn" if (error.name or "").startswith("sklearn") else "Pillow"
        raise NascError.of(f"{missing} is not installed", "pip install 'nasc[search]'", "no-library") from None
    return tuple(torch.tensor(image).permute(2, 0, 1).float() / 255 for image in found.images)


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
