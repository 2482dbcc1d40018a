"""What the user writes after ``--evaluator``: ``train:mnist1d{steps=300,lr=0.01}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ...ir import NascError, did_you_mean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
Value = int | float | bool | str
_SPEC = re.compile(r"(?P<kind>[a-z]+)(?::(?P<argument>[^{}]*))?(?:\{(?P<options>[^{}]*)\})?")


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of what has none."""


@dataclass(frozen=True, slots=True)
class Specification:
    """An evaluator as it was asked for: its kind, what follows the colon, and its options as text."""

    text: str
    kind: str
    argument: str
    options: tuple[tuple[str, str], ...] = ()

    def fill(self, defaults: D) -> D:
        """Return ``defaults``, a frozen dataclass, with the options put in. Raises NascError where one is wrong."""
        known: dict[str, Value] = {field.name: getattr(defaults, field.name) for field in fields(defaults)}
        settings: dict[str, Any] = {}
        for name, word in self.options:
            if name not in known:
                hint = did_you_mean(name, known) if known else f"{self.kind} has no options"
                raise NascError.of(f"{self.text!r} has no option {name!r}", hint, "evaluator")
            settings[name] = _value(self.text, name, word, known[name])
        return replace(defaults, **settings)


def parse_specification(text: str) -> Specification:
    """Return what names an evaluator, in parts. Raises NascError where the form is another."""
    found = _SPEC.fullmatch(text.strip())
    if not found:
        hint = "expected KIND, KIND:WHAT or KIND:WHAT{option=value,...}"
        raise NascError.of(f"{text!r} names no evaluator", hint, "evaluator")
    options: list[tuple[str, str]] = []
    for part in (found["options"] or "").split(","):
        name, equals, word = part.partition("=")
        if part.strip() and not (equals and name.strip() and word.strip()):
            raise NascError.of(f"{part.strip()!r} in {text!r} is no option", "expected option=value", "evaluator")
        if part.strip():
            options.append((name.strip(), word.strip()))
    return Specification(text.strip(), found["kind"], found["argument"] or "", tuple(options))


def shown(kind: str, argument: str, settings: Mapping[str, Value]) -> str:
    """Return the specification with all options stated, sorted by name."""
    options = ",".join(f"{name}={_word(value)}" for name, value in sorted(settings.items()))
    return kind + (f":{argument}" if argument else "") + (f"{{{options}}}" if options else "")


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str, name: str, word: str, default: Value) -> Value:
    """Return the value of an option, of its default's type."""
    if isinstance(default, str):
        return word
    if isinstance(default, bool):
        if word.lower() in ("true", "false"):
            return word.lower() == "true"
        raise NascError.of(f"option {name} of {text!r} is {word!r}", "expected true or false", "evaluator")
    kind = type(default)
    try:
        value = kind(word)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise NascError.of(f"option {name} of {text!r} is {word!r}", f"expected {wanted}", "evaluator") from None
    if not 0 <= value < 1e9:
        raise NascError.of(f"option {name} of {text!r} is {word}", "expected at least 0", "evaluator")
    return value
