"""Kinds of attributes: what an op's field may hold, how it is checked, and what it defaults to."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from .diagnostics import Diagnostic, NascError, did_you_mean
from .dims import Dim, Expr
from .types import DType

Kind = Literal["dim", "dims", "int", "ints", "flag", "real", "word", "dtype", "scalar", "text"]


T = TypeVar("T", int, float)


class _Required:
    """Stands for the default of an attribute that has none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
# What a quoted string writes differently: what would end it, and what a terminal would act on.
_ESCAPED = re.compile(r'[\x00-\x1f"\\\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a field of an op may hold.

    ``low``/``high`` bound every number, ``length`` is the number of entries of a list (a single number
    stands for all of them), ``choices`` are the words allowed, ``optional`` admits None (left out).
    """

    kind: Kind
    low: float | None = None
    high: float | None = None
    length: int | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    def check(self, name: str, value: object) -> object:
        """Return ``value`` in its stored form. Raises NascError saying what would be right."""
        if value is None and self.optional:
            return None
        checked = _CHECKS[self.kind](self, value)
        if checked is None:
            raise NascError.of(f"attribute {name!r} cannot be {show(value)}", self._wanted(value), "attribute-value")
        return checked

    def describe(self) -> str:
        """Return what is allowed, in words."""
        words = {
            "dim": "an integer expression",
            "dims": "integer expressions",
            "int": "an integer",
            "ints": "integers",
            "flag": "true or false",
            "real": "a number",
            "word": "one of " + ", ".join(self.choices),
            "dtype": "one of " + ", ".join(t.value for t in DType),
            "scalar": "a number or truth value",
            "text": "a quoted string",
        }[self.kind]
        if self.length:
            words = "an integer expression" + (f", or a list of {self.length}," if self.length > 1 else "")
        if self.low is not None and self.high is not None:
            words += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            words += f" >= {self.low:g}"
        return words

    def _wanted(self, value: object) -> str:
        if self.kind == "word" and isinstance(value, str):
            return did_you_mean(value, self.choices)
        return f"expected {self.describe()}"

    def bounds(self, number: float) -> bool:
        """Return whether a number lies within the bounds."""
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


def _dim(spec: Attribute, value: object) -> Dim | None:
    if isinstance(value, Expr):
        return value
    return _int(spec, value)


def _int(spec: Attribute, value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if spec.bounds(value) else None


def _dims(spec: Attribute, value: object) -> tuple[Dim, ...] | None:
    return _many(spec, value, symbolic=True)


def _ints(spec: Attribute, value: object) -> tuple[Dim, ...] | None:
    return _many(spec, value, symbolic=False)


def _many(spec: Attribute, value: object, *, symbolic: bool) -> tuple[Dim, ...] | None:
    values = _items(value)
    if spec.length and len(values) == 1:
        values *= spec.length
    if spec.length and len(values) != spec.length:
        return None
    checked: list[Dim] = []
    for item in values:
        one = _dim(spec, item) if symbolic else _int(spec, item)
        if one is None:
            return None
        checked.append(one)
    return tuple(checked)


def _items(value: object) -> tuple[object, ...]:
    return tuple(cast("Sequence[object]", value)) if isinstance(value, (tuple, list)) else (value,)


def _flag(_: Attribute, value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _real(spec: Attribute, value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _one_nan(float(value)) if spec.bounds(value) else None


def _word(spec: Attribute, value: object) -> str | None:
    return value if isinstance(value, str) and value in spec.choices else None


def _dtype(_: Attribute, value: object) -> DType | None:
    if isinstance(value, DType):
        return value
    return next((t for t in DType if t.value == value), None)


def _scalar(spec: Attribute, value: object) -> int | float | Expr | None:
    if isinstance(value, (bool, Expr)):
        return value
    return _one_nan(value) if isinstance(value, (int, float)) and spec.bounds(value) else None


def _one_nan(value: T) -> T | float:
    """Return the value; of all NaNs always the same object, so that an op that holds one equals itself."""
    return value if value == value else math.nan


def _text(_: Attribute, value: object) -> str | None:
    return value if isinstance(value, str) else None


_CHECKS: dict[str, Any] = {
    "dim": _dim,
    "dims": _dims,
    "int": _int,
    "ints": _ints,
    "flag": _flag,
    "real": _real,
    "word": _word,
    "dtype": _dtype,
    "scalar": _scalar,
    "text": _text,
}


def show(value: object) -> str:
    """Return an attribute value as errors show it, much as in the text form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, DType):
        return value.value
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(show, _items(cast('object', value))))}]"
    return str(value) if not isinstance(value, float) else repr(value)


def quote(text: str) -> str:
    """Return ``text`` as a double-quoted string of the text form."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


@dataclass(frozen=True, slots=True)
class Declared:
    """An attribute in a class body: what it may hold and its default."""

    default: Any
    attribute: Attribute


def _spec(default: Any, attribute: Attribute) -> Any:
    return Declared(default, attribute)


def dim(default: Any = REQUIRED, *, low: float | None = 0, optional: bool = False) -> Any:
    """Declare an integer, possibly symbolic."""
    return _spec(default, Attribute("dim", low, optional=optional))


def dims(length: int | None = None, default: Any = REQUIRED, *, low: float | None = 0, optional: bool = False) -> Any:
    """Declare a list of integers, possibly symbolic; of fixed length, one number stands for all."""
    if length and isinstance(default, int):
        default = (default,) * length
    return _spec(default, Attribute("dims", low, length=length, optional=optional))


def integer(default: Any = REQUIRED, *, low: float | None = None, optional: bool = False) -> Any:
    """Declare a plain integer, such as an axis."""
    return _spec(default, Attribute("int", low, optional=optional))


def integers(default: Any = REQUIRED, *, optional: bool = False) -> Any:
    """Declare a list of plain integers, such as axes."""
    return _spec(default, Attribute("ints", optional=optional))


def flag(default: Any = REQUIRED, *, optional: bool = False) -> Any:
    """Declare a truth value."""
    return _spec(default, Attribute("flag", optional=optional))


def real(
    default: Any = REQUIRED, *, low: float | None = None, high: float | None = None, optional: bool = False
) -> Any:
    """Declare a number."""
    return _spec(default, Attribute("real", low, high, optional=optional))


def word(*choices: str, default: Any = REQUIRED, optional: bool = False) -> Any:
    """Declare one word of a list."""
    return _spec(default, Attribute("word", choices=choices, optional=optional))


def dtype(default: Any = REQUIRED, *, optional: bool = False) -> Any:
    """Declare an element type."""
    return _spec(default, Attribute("dtype", optional=optional))


def scalar(default: Any = REQUIRED, *, optional: bool = False) -> Any:
    """Declare a number or truth value that keeps its own type."""
    return _spec(default, Attribute("scalar", optional=optional))


def text(default: Any = REQUIRED) -> Any:
    """Declare a quoted string."""
    return _spec(default, Attribute("text"))


def diagnostic(message: str, hint: str = "", code: str = "type") -> NascError:
    """Return the error that an op raises about its operands; the verifier adds the place."""
    return NascError(Diagnostic(message, hint, code))
