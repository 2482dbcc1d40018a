"""Regular expressions as trees: read what a terminal of a Lark grammar may hold, and draw strings from it.

What is read: literals, escapes, ``.``, classes with ranges and negation, groups, ``|``, the quantifiers ``? *
+ {n} {n,} {n,m}``, and the flags ``i`` and ``s``. Anchors, look-around and back-references are errors:
llguidance rejects them too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from .errors import BadGrammar

PRINTABLE: Final = (32, 126)
"""The code points that a negated class and ``.`` are drawn from."""

_MORE = 8
"""How many repeats beyond the least are drawn at most."""

_CLASSES: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_CONTROLS: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "0": 0}
_HEX: Final = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of inclusive ranges of code points, or out of all others where ``negated``."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after the other."""

    parts: tuple[Regex, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several options."""

    options: tuple[Regex, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part ``least`` to ``most`` times; None is without end."""

    part: Regex
    least: int
    most: int | None


Regex = Chars | Sequence | Either | Repeat


def draw(regex: Regex, rng: Random) -> str:
    """Return a string that the expression matches: options are equally likely, each repeat half as likely."""
    match regex:
        case Chars():
            return _draw_char(regex, rng)
        case Sequence(parts):
            return "".join(draw(part, rng) for part in parts)
        case Either(options):
            return draw(rng.choice(options), rng)
        case Repeat(part, least, most):
            limit = least + _MORE if most is None else min(most, least + _MORE)
            count = least
            while count < limit and rng.random() < 0.5:
                count += 1
            return "".join(draw(part, rng) for _ in range(count))


def _draw_char(chars: Chars, rng: Random) -> str:
    if not chars.negated:
        low, high = rng.choice(chars.ranges)
        return chr(rng.randint(low, high))
    free = [
        code
        for code in range(PRINTABLE[0], PRINTABLE[1] + 1)
        if not any(low <= code <= high for low, high in chars.ranges)
    ]
    if not free:
        raise BadGrammar.at("grammar", "a negated character class leaves no printable character", "widen it")
    return chr(rng.choice(free))


def read_regex(pattern: str) -> Regex:
    """Return the tree of an expression in Python's syntax; raises BadGrammar for what is not known here."""
    reader = _Reader(pattern)
    tree = reader.either(_Flags())
    if reader.place < len(pattern):
        raise reader.error("an unmatched ')'")
    return tree


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    dot_all: bool = False


class _Reader:
    """A recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def error(self, what: str) -> BadGrammar:
        shown = self.pattern if len(self.pattern) <= 60 else self.pattern[:57] + "..."
        return BadGrammar.at(
            "grammar",
            f"/{shown}/ has {what} at character {self.place + 1}",
            "use literals, classes, groups, | and ? * + {n,m} only",
        )

    def peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.error("no end")
        self.place += 1
        return char

    def accept(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def either(self, flags: _Flags) -> Regex:
        options = [self.sequence(flags)]
        while self.accept("|"):
            options.append(self.sequence(flags))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def sequence(self, flags: _Flags) -> Regex:
        parts: list[Regex] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom(flags)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Regex) -> Regex:
        while True:
            bounds = self.bounds()
            if bounds is None:
                return part
            part = Repeat(part, *bounds)
            self.accept("?")

    def bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        if self.peek() in simple:
            return simple[self.take()]
        end = self.pattern.find("}", self.place)
        if self.peek() != "{" or end < 0:
            return None
        low, comma, high = self.pattern[self.place + 1 : end].partition(",")
        if not (low or comma) or any(side and not side.isdecimal() for side in (low, high)):
            return None
        self.place = end + 1
        least = int(low or 0)
        return least, (int(high) if high else None) if comma else least

    def atom(self, flags: _Flags) -> Regex:
        char = self.take()
        if char == "(":
            return self.group(flags)
        if char == "[":
            return self.chars(flags)
        if char == ".":
            return Chars((), negated=True) if flags.dot_all else Chars(((10, 10),), negated=True)
        if char in "^$*+?":
            self.place -= 1
            raise self.error(f"an unsupported {char!r}")
        return self.cased(self.escape() if char == "\\" else Chars(((ord(char), ord(char)),)), flags)

    def group(self, flags: _Flags) -> Regex:
        if self.accept("?"):
            flags = self.flags(flags)
        tree = self.either(flags)
        if not self.accept(")"):
            raise self.error("no ')'")
        return tree

    def flags(self, flags: _Flags) -> _Flags:
        names = ""
        while self.peek() in ("i", "s", "m", "x", "u", "a", "L"):
            names += self.take()
        if not self.accept(":") or set(names) - set("isu"):
            raise self.error("an unsupported group")
        return replace(
            flags,
            ignore_case=flags.ignore_case or "i" in names,
            dot_all=flags.dot_all or "s" in names,
        )

    def escape(self) -> Chars:
        char = self.take()
        if char in _CLASSES:
            return Chars(_CLASSES[char])
        if char.lower() in _CLASSES:
            return Chars(_CLASSES[char.lower()], negated=True)
        code = self.code(char)
        return Chars(((code, code),))

    def code(self, char: str) -> int:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in _HEX:
            digits = "".join(self.take() for _ in range(_HEX[char]))
            return int(digits, 16)
        if char.isalnum():
            self.place -= 1
            raise self.error(f"an unsupported \\{char}")
        return ord(char)

    def chars(self, flags: _Flags) -> Regex:
        negated = self.accept("^")
        ranges: list[tuple[int, int]] = []
        while not ranges or self.peek() != "]":
            item = self.item()
            if item.negated:
                raise self.error("a negated escape inside a class")
            ranges += self.extended(item)
        self.take()
        return self.cased(Chars(tuple(ranges), negated), flags)

    def item(self) -> Chars:
        char = self.take()
        return self.escape() if char == "\\" else Chars(((ord(char), ord(char)),))

    def extended(self, item: Chars) -> tuple[tuple[int, int], ...]:
        ahead = self.pattern[self.place : self.place + 2]
        if len(item.ranges) > 1 or ahead[:1] != "-" or ahead[1:] in ("", "]"):
            return item.ranges
        self.take()
        low, high = _first(item), _first(self.item())
        if high < low:
            raise self.error("a range that runs backwards")
        return ((low, high),)

    def cased(self, chars: Chars, flags: _Flags) -> Chars:
        if not flags.ignore_case:
            return chars
        folded = set(chars.ranges)
        for low, high in chars.ranges:
            if chr(low).isalpha() and chr(high).isalpha():
                folded |= {(ord(chr(low).lower()), ord(chr(high).lower()))}
                folded |= {(ord(chr(low).upper()), ord(chr(high).upper()))}
        return Chars(tuple(sorted(folded)), chars.negated)


def _first(chars: Chars) -> int:
    return chars.ranges[0][0] if chars.ranges else 0
