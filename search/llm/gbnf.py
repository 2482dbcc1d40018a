"""Lark grammars in the notation of llama.cpp's server and of SGLang (GBNF)."""

from __future__ import annotations

import re

from .regex import Chars, Either, Regex, Repeat, Sequence
from .rules import Rules, read_rules

_IGNORED = "ignored"


def to_gbnf(grammar: str) -> str:
    """Return a Lark grammar as GBNF; raises BadGrammar.

    GBNF has no left recursion and no ignored terminals: the first becomes a repeat, the second stand where
    they may, before and after every terminal.
    """
    rules = read_rules(grammar)
    names = _names(rules)
    lines = [f"{names[name]} ::= {_rule(rules, name, names)}" for name in rules.productions]
    gap = f" {_IGNORED}" if rules.ignored else ""
    for name, regex in rules.terminals.items():
        tail = "" if name in rules.ignored else gap
        lines.append(f"{names[name]} ::= {_pattern(regex)}{tail}")
    if rules.ignored:
        lines.append(f"{_IGNORED} ::= ({' | '.join(names[name] for name in rules.ignored)})*")
        lines.append(f"root ::= {_IGNORED} {names[rules.start]}")
    else:
        lines.append(f"root ::= {names[rules.start]}")
    return "\n".join(reversed(lines)) + "\n"


def _names(rules: Rules) -> dict[str, str]:
    """Return a name of lower-case letters, digits and dashes for every rule and terminal, each its own."""
    kinds = [(name, "r") for name in rules.productions] + [(name, "t") for name in rules.terminals]
    return {
        name: f"{kind}{index}-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        for index, (name, kind) in enumerate(kinds)
    }


def _rule(rules: Rules, name: str, names: dict[str, str]) -> str:
    """Return the alternatives of a rule; those that begin with the rule itself repeat behind the others."""
    options = rules.productions[name]
    heads = [option for option in options if option[:1] != (name,)]
    tails = [option[1:] for option in options if option[:1] == (name,) and option[1:]]
    text = _options(heads, names)
    return f"({text}) ({_options(tails, names)})*" if tails else text


def _options(options: list[tuple[str, ...]], names: dict[str, str]) -> str:
    return " | ".join(" ".join(names[part] for part in option) or '""' for option in options)


def _pattern(regex: Regex) -> str:
    literal = _literal(regex)
    if literal is not None:
        return f'"{literal}"'
    match regex:
        case Chars(ranges, negated):
            inside = "".join(_range(*bounds) for bounds in ranges)
            return f"[{'^' if negated else ''}{inside}]" if inside else "."
        case Sequence(parts):
            return " ".join(_grouped(part) for part in parts)
        case Either(options):
            return " | ".join(_pattern(option) for option in options)
        case Repeat(part, least, most):
            return _grouped(part) + _quantifier(least, most)


def _literal(regex: Regex) -> str | None:
    """Return the one string that an expression matches, quoted, or None where it matches several."""
    parts = regex.parts if isinstance(regex, Sequence) else (regex,)
    codes = [_only(part) for part in parts]
    known = [code for code in codes if code is not None]
    return "".join(_quoted(code) for code in known) if len(known) == len(codes) else None


def _only(regex: Regex) -> int | None:
    if not isinstance(regex, Chars) or regex.negated or len(regex.ranges) != 1:
        return None
    low, high = regex.ranges[0]
    return low if low == high else None


def _quoted(code: int) -> str:
    return chr(code) if 32 <= code < 127 and chr(code) not in '"\\' else _escaped(code)


def _grouped(regex: Regex) -> str:
    text = _pattern(regex)
    return text if isinstance(regex, Chars) else f"({text})"


def _quantifier(least: int, most: int | None) -> str:
    simple: dict[tuple[int, int | None], str] = {(0, 1): "?", (0, None): "*", (1, None): "+"}
    if (least, most) in simple:
        return simple[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def _range(low: int, high: int) -> str:
    return _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}"


def _escaped(code: int) -> str:
    char = chr(code)
    if char.isalnum() and code < 128:
        return char
    if code > 0xFFFF:
        return f"\\U{code:08X}"
    return f"\\x{code:02X}" if code < 256 else f"\\u{code:04X}"
