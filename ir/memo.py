"""Memoised analyses: a result is kept as long as the immutable value that it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import ref

K = TypeVar("K")
V = TypeVar("V")


def memoised(analysis: Callable[[K], V]) -> Callable[[K], V]:
    """Remember the result of a function of one immutable object, by the object's identity."""
    known: dict[int, tuple[ref[K], V]] = {}

    @wraps(analysis)
    def remembered(value: K) -> V:
        key = id(value)
        entry = known.get(key)
        if entry is not None and entry[0]() is value:
            return entry[1]
        result = analysis(value)
        known[key] = (ref(value, lambda _: known.pop(key, None)), result)
        return result

    return remembered
