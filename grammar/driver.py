"""A quick driver of lark's LALR tables: same grammar, same terminals, same rules, no bookkeeping for errors.

lark's own loop spends most of its time on what only error messages need. This one stops at the first surprise, and
the caller lets lark read the text again and explain it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, cast

from lark import Lark, Token
from lark.lexer import PatternStr, TerminalDef
from lark.parsers.lalr_analysis import Shift

END = "$END"
Action = int | tuple[int, Callable[[list[Any]], Any], str]
"""The state to go to with the next token; or, before it, how many values a rule takes, its function and its name."""


class SurpriseError(Exception):
    """The text is not what the grammar says."""


class Driver:
    """Reads texts by the tables of a parser with a contextual lexer."""

    def __init__(self, lark: Lark, start: str, space: str) -> None:
        """Take over a parser's tables for one start rule; ``space`` is the pattern of what is ignored."""
        conf: Any = lark.parse_interactive("", start=start).parser_state.parse_conf
        self.first, self.end = conf.start_state, conf.end_state
        self.space = space
        self.actions: dict[int, dict[str, Action]] = {
            state: {name: _action(conf.callbacks, *step) for name, step in steps.items()}
            for state, steps in conf.states.items()
        }
        self.terminals = {terminal.name: terminal for terminal in lark.terminals}
        self.callbacks = {name: call for name, call in conf.callbacks.items() if isinstance(name, str)}
        symbols: list[Any] = [symbol for rule in lark.rules for symbol in rule.expansion if symbol.is_term]
        kept = {symbol.name for symbol in symbols if not symbol.filter_out}
        self.dropped = frozenset(self.terminals) - kept
        self.scanners: dict[int, _Scanner] = {}

    def read(self, text: str) -> Any:
        """Return what the start rule makes of the text. Raises SurpriseError where lark has something to say."""
        states, values = [self.first], list[Any]()
        new, dropped, callbacks, scanners = str.__new__, self.dropped, self.callbacks, self.scanners
        place, line, line_start = 0, 1, 0
        while True:
            state = states[-1]
            match = (scanners.get(state) or self._scanner(state)).match(text, place)
            if match is None or match.lastgroup is None:
                break
            kind, value, place = match.lastgroup, match[match.lastgroup], match.end()
            kind = scanners[state].words.get((kind, value), kind)
            states.append(self._reduced(kind, states, values))
            if kind in dropped:
                values.append(None)
                if "\n" in value:
                    line, line_start = line + value.count("\n"), place - len(value) + value.rindex("\n") + 1
                continue
            token = new(Token, value)
            token.type, token.value, token.line, token.column = kind, value, line, place - len(value) - line_start + 1
            values.append(callbacks[kind](token) if kind in callbacks else token)
        if text[place:].strip():
            raise SurpriseError
        self._reduced(END, states, values)
        return values[-1]

    def _reduced(self, kind: str, states: list[int], values: list[Any]) -> int:
        """Apply the rules that end before a token; return the state that it leads to."""
        actions = self.actions
        while True:
            action = actions[states[-1]].get(kind)
            if isinstance(action, int):
                return action
            if action is None:
                raise SurpriseError
            size, make, name = action
            if size:
                taken = values[-size:]
                del states[-size:], values[-size:]
            else:
                taken = []
            values.append(make(taken))
            after = cast("int", actions[states[-1]][name])
            states.append(after)
            if after == self.end and kind == END:
                return after

    def _scanner(self, state: int) -> _Scanner:
        accepted = [self.terminals[name] for name in self.actions[state] if name in self.terminals]
        self.scanners[state] = scanner = _Scanner(accepted, self.space)
        return scanner


class _Scanner:
    """What may follow in one state: a pattern of all terminals, and words that look like another terminal."""

    def __init__(self, terminals: Collection[TerminalDef], space: str) -> None:
        self.words = {
            (other.name, str(one.pattern.value)): one.name
            for one in terminals
            for other in terminals
            if isinstance(one.pattern, PatternStr) and not isinstance(other.pattern, PatternStr)
            if re.fullmatch(other.pattern.to_regexp(), one.pattern.value) and one.priority == other.priority
        }
        hidden = set(self.words.values())
        order = sorted((one for one in terminals if one.name not in hidden), key=_rank)
        patterns = "|".join(f"(?P<{one.name}>{one.pattern.to_regexp()})" for one in order)
        self.match = re.compile(f"{space}(?:{patterns})").match


def _rank(terminal: TerminalDef) -> tuple[int, int, int, str]:
    """Return by what lark orders the terminals that it tries."""
    pattern = terminal.pattern
    return -terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name


def _action(callbacks: Any, action: object, target: Any) -> Action:
    if action is Shift:
        return int(target)
    return len(target.expansion), callbacks[target], str(target.origin.name)
