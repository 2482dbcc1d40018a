"""Text as every database takes it: PostgreSQL has no NUL, and no database half a surrogate pair."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


def clean(value: T) -> T:
    """Return text, or text in lists and mappings, with the characters that no database takes replaced by U+FFFD."""
    found: Any = value
    if isinstance(value, str):
        found = value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    elif isinstance(value, dict):
        found = {clean(key): clean(item) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        found = [clean(item) for item in value]
    return cast(T, found)
