"""A Lark grammar as plain rules: what random edits are drawn from and what GBNF is written from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import BadGrammar
from .regex import Regex, read_regex

if TYPE_CHECKING:
    from lark import Lark

_Productions = dict[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Rules:
    """A grammar in Backus-Naur form, made by lark out of its text.

    ``productions`` maps each rule to its alternatives, each a sequence of names; a name is another rule or
    one of ``terminals``. ``heights`` says how many rules deep the shallowest string of each name is (0 for
    terminals). ``ignored`` are the terminals that may stand between any two others, ``separator`` a space
    where one of them is a space. ``strict`` is a parser of the same text: LALR where the grammar is, else
    Earley.
    """

    start: str
    productions: _Productions
    terminals: dict[str, Regex]
    heights: dict[str, int]
    ignored: tuple[str, ...]
    separator: str
    strict: Lark

    def accepts(self, text: str) -> bool:
        """Return whether the text is one that the grammar allows."""
        from lark.exceptions import UnexpectedInput

        try:
            self.strict.parse(text)
        except UnexpectedInput:
            return False
        return True


@lru_cache(maxsize=16)
def read_rules(grammar: str) -> Rules:
    """Return the rules of Lark text whose start rule is ``start``; raises BadGrammar."""
    from lark.exceptions import LarkError

    try:
        return _read(grammar)
    except LarkError as error:
        first = str(error).strip().splitlines()[0]
        raise BadGrammar.at(
            "grammar", f"lark cannot read it: {first}", "keep to the subset that lark and llguidance share"
        ) from error


def _read(grammar: str) -> Rules:
    from lark import Lark
    from lark.exceptions import GrammarError

    loose = Lark(grammar, parser="earley", lexer="dynamic", maybe_placeholders=False)
    try:
        strict = Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=False)
    except GrammarError:
        strict = loose
    productions: _Productions = {}
    for rule in loose.rules:
        names = tuple(str(symbol.name) for symbol in rule.expansion)
        name = str(rule.origin.name)
        productions[name] = (*productions.get(name, ()), names)
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in loose.terminals}
    terminals = {name: read_regex(pattern) for name, pattern in patterns.items()}
    ignored = tuple(loose.ignore_tokens)
    separator = " " if any(re.fullmatch(patterns[name], " ") for name in ignored) else ""
    heights = _heights(productions, dict.fromkeys(terminals, 0))
    return Rules("start", productions, terminals, heights, ignored, separator, strict)


def _heights(productions: _Productions, heights: dict[str, int]) -> dict[str, int]:
    """Return the given heights with those of all rules; raises BadGrammar for a rule that never ends."""
    waiting = dict(productions)
    level = 0
    while waiting:
        level += 1
        known = set(heights)
        done = [name for name, options in waiting.items() if any(known.issuperset(o) for o in options)]
        if not done:
            hint = "give it an alternative that does"
            raise BadGrammar.at("grammar", f"rule {min(waiting)!r} never ends", hint)
        for name in done:
            del waiting[name]
        heights |= dict.fromkeys(done, level)
    return heights
