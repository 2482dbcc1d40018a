"""Axes of charts: where a value lies, and round numbers to write beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic scale from the values ``low`` to ``high`` onto pixels ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, here = (self._level(one) for one in (self.low, self.high, value))
        return round(self.start + (here - low) / (high - low) * (self.end - self.start), 1)

    def _level(self, value: float) -> float:
        return log10(value) if self.logarithmic else value

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return about as many round values as ``wanted`` that lie on the axis."""
        return _decades(self.low, self.high, wanted) if self.logarithmic else _steps(self.low, self.high, wanted)


def axis(values: Sequence[float], start: float, end: float, logarithmic: bool = False, margin: float = 0.05) -> Axis:
    """Return an axis that shows all values, with a margin on both sides; logarithmic only where all are positive."""
    found = [value for value in values if isfinite(value)] or [0.0, 1.0]
    logarithmic = logarithmic and min(found) > 0
    low, high = (log10(edge) if logarithmic else float(edge) for edge in (min(found), max(found)))
    room = (high - low) * margin if high > low else max(abs(high), 1.0) * 0.05
    low, high = low - room, high + room
    return Axis(10**low, 10**high, start, end, True) if logarithmic else Axis(low, high, start, end)


def _steps(low: float, high: float, wanted: int) -> list[float]:
    power = 10.0 ** floor(log10((high - low) / wanted))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda size: abs((high - low) / size - wanted))
    first = ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float, wanted: int) -> list[float]:
    """Return powers of ten, with 2 and 5 between them where these are few; plain steps over less than a decade."""
    if high < 10 * low:
        return _steps(low, high, wanted)
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks: list[float] = []
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [f * 10.0**e for e in exponents for f in factors if low <= f * 10.0**e <= high]
        if len(ticks) >= min(wanted, 3):
            break
    return ticks[:: max(1, round(len(ticks) / (wanted + 1)))]


def short(value: float) -> str:
    """Return a number as axes show it: 1.5M, 20k, 0.91."""
    for size, suffix in SUFFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.4g}"


def number(value: float) -> str:
    """Return a number as tables show it: integers with separators, others with up to four significant decimals."""
    if not isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}"
    return f"{value:.4g}" if abs(value) < 10 else f"{value:,.2f}"
