"""What a network is to be trained for: a condition of its score."""

from __future__ import annotations

from ..ir import NascError, did_you_mean
from .layout import CHANNELS, POSITIONS, Layout

TASKS = ("cifar10", "cifar100", "imagenet16", "imagenet")
"""Tasks that a score can be asked for. The tables know one more: ``scenes``, of TransNAS-Bench-101."""

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16": 120, "imagenet": 1000, "scenes": 47}
LARGE = frozenset({"imagenet"})
"""Tasks of large images, on which other sizes count than on small ones."""

FEWEST_LARGE = 64 * 64
"""Positions of an input from which on a network of many classes is taken to be made for ImageNet."""

CONDITIONS = ("large images", "log10 classes")


def conditions(task: str) -> tuple[float, float]:
    """Return the numbers by which a task enters the score, as named in ``CONDITIONS``."""
    from math import log10

    return float(task in LARGE), log10(CLASSES[task])


def checked_task(task: str) -> str:
    """Return the task. Raises NascError with the nearest name where a score cannot be asked for it."""
    if task not in TASKS:
        raise NascError.of(f"there is no task {task!r}", did_you_mean(task, TASKS), "task")
    return task


def guessed(layout: Layout) -> str:
    """Return the task that the sizes of a network suggest: of its input, and of its output."""
    classes = float(layout.numbers[-1, CHANNELS]) if layout.numbers[-1, POSITIONS] <= 1 else 1000.0
    if layout.positions >= FEWEST_LARGE and classes >= 200:
        return "imagenet"
    if classes <= 20:
        return "cifar10"
    return "imagenet16" if classes == CLASSES["imagenet16"] else "cifar100"
