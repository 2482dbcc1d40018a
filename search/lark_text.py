"""Pieces of Lark grammars that several of them are written from."""

from __future__ import annotations


def literal(text: str) -> str:
    """Return text as a Lark string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def reason_rules(longest: int) -> list[str]:
    """Return the rule ``reason``: a line ``why: `` with 8 to ``longest`` characters; no rules where that is 0."""
    if not longest:
        return []
    return ['reason: "why: " WHY "\\n"', f"WHY: /[A-Za-z][A-Za-z0-9 ,.%'()-]{{7,{max(longest, 8)}}}/"]
