"""Limits as people write them: 10M parameters, 1.5G multiply-accumulates."""

from __future__ import annotations

import re

from ..ir import NascError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_LIMIT = re.compile(r"(\d+(?:_\d+)*(?:\.\d+)?(?:e\d+)?)\s*([a-z]?)", re.IGNORECASE)


def parse_limit(text: str | int) -> int:
    """Return the number that ``10M``, ``1.5G``, ``300k`` or ``1_000_000`` stands for. Raises NascError."""
    if isinstance(text, int):
        return text
    match = _LIMIT.fullmatch(text.strip())
    unit = match[2].lower() if match else ""
    if match is None or unit not in _UNITS:
        raise NascError.of(f"{text!r} is no limit", "expected a number with k, M, G or T, such as 10M or 1.5G", "limit")
    return round(float(match[1]) * _UNITS[unit])


def show_count(count: int) -> str:
    """Return a count in three or four digits, ``11.69M``."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.4g}{unit}"
    return str(count)
