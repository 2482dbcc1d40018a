"""Narrowing a grammar to the answers that hold certain words: the algorithm chooses what is changed, the LLM how.

The strings of a context-free grammar in which some terminal holds a word are again those of a grammar: each rule gets
a second form, whose alternatives are the old ones with one part in its second form (the intersection with a regular
language, Bar-Hillel et al., 1961, in the simplest case).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ..lark_text import literal
from ..llm.rules import Rules, read_rules

if TYPE_CHECKING:
    from lark.lexer import Pattern

Productions = dict[str, list[tuple[str, ...]]]
_MARK = "!"


@lru_cache(maxsize=64)
def about(grammar: str, words: tuple[str, ...]) -> str:
    """Return the grammar of the answers in which one of the words stands; empty where no answer has one.

    Words are looked for in fixed text, not in what is left free (reasons, numbers), in letters of any case.
    """
    rules = read_rules(grammar)
    patterns = {terminal.name: terminal.pattern for terminal in rules.strict.terminals}
    holding = {name for name, pattern in patterns.items() if _holds(pattern, words)}
    found = _marked(rules, holding)
    start = f"{rules.start}{_MARK}"
    return _written(start, found, patterns) if start in found else ""


def holds(text: str, words: Sequence[str]) -> bool:
    """Return whether a text has one of the words; every text has none of no words."""
    lowered = text.lower()
    return not words or any(word.lower() in lowered for word in words)


def _holds(pattern: Pattern, words: Sequence[str]) -> bool:
    return pattern.type == "str" and holds(pattern.value, words)


def _marked(rules: Rules, holding: set[str]) -> Productions:
    """Return all rules, and of each that can hold a word its second form, under its name with a mark."""
    able = set(holding)
    grown = True
    while grown:
        more = {name for name, options in rules.productions.items() if any(able.intersection(o) for o in options)}
        grown = not more <= able
        able |= more
    found: Productions = {name: list(options) for name, options in rules.productions.items()}
    for name in able & rules.productions.keys():
        found[f"{name}{_MARK}"] = [
            (*option[:i], part if part in holding else f"{part}{_MARK}", *option[i + 1 :])
            for option in rules.productions[name]
            for i, part in enumerate(option)
            if part in able
        ]
    return found


def _written(start: str, productions: Productions, patterns: Mapping[str, Pattern]) -> str:
    """Return the rules that can be reached as Lark text."""
    names = {start: "start"}
    waiting, lines = [start], list[str]()
    while waiting:
        name = waiting.pop()
        options: list[str] = []
        for option in productions[name]:
            for part in option:
                if part in productions and part not in names:
                    names[part] = f"r{len(names)}"
                    waiting.append(part)
            options.append(" ".join(names.get(part) or _terminal(patterns[part]) for part in option))
        lines.append(f"{names[name]}: {' | '.join(dict.fromkeys(options))}")
    return "\n".join([*lines, ""])


def _terminal(pattern: Pattern) -> str:
    if pattern.type == "str":
        return literal(pattern.value)
    return f"/{pattern.to_regexp().replace('/', chr(92) + '/')}/"
