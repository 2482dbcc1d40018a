"""The string that names a network of a benchmark, and errors that point into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...ir import Diagnostic, Loc, NascError, did_you_mean


@dataclass(frozen=True, slots=True)
class CellText:
    """A string of one family, as it was given; positions count from 0."""

    family: str
    text: str

    def finding(self, position: int, message: str, hint: str) -> Diagnostic:
        """Return a finding at a position, which is shown from 1 as a column."""
        return Diagnostic(message, hint, "cell-string", Loc(self.family, 1, position + 1))

    def error(self, position: int, message: str, hint: str) -> NascError:
        """Return the error with one finding, a caret under its position."""
        return self.errors([self.finding(position, message, hint)])

    def errors(self, findings: Iterable[Diagnostic]) -> NascError:
        """Return the error with all findings, a caret under each."""
        return NascError(*findings, text=self.text)

    def misspelt(self, position: int, word: str, known: Iterable[str], what: str) -> NascError:
        """Return the error that a word is none of those known, with the nearest."""
        return self.error(position, f"{word!r} is no {what} of {self.family}", did_you_mean(word, known))

    def digits(self, start: int, end: int, length: int, allowed: str, what: str) -> str:
        """Return the digits from ``start`` to ``end``. Raises NascError with every one that is not allowed."""
        found = self.text[start:end]
        wanted = f"expected {length} digits, each {listed(allowed)}"
        findings = [
            self.finding(start + i, f"{digit!r} is no {what} of {self.family}", f"expected {listed(allowed)}")
            for i, digit in enumerate(found)
            if digit not in allowed
        ]
        if len(found) != length:
            place = start + min(len(found), length)
            kind = "few" if len(found) < length else "many"
            findings.append(self.finding(place, f"{found!r} has too {kind} digits: {len(found)}", wanted))
        if findings:
            raise self.errors(findings)
        return found


def listed(items: Iterable[str]) -> str:
    """Return ``0, 1 or 2``."""
    *most, last = items
    return f"{', '.join(most)} or {last}" if most else last
