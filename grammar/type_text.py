"""Tensor types and sizes from their text, with the place of what is wrong inside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..ir import Diagnostic, Dim, DType, Loc, TensorType, did_you_mean, symbol
from .syntax import Fault, read
from .syntax_errors import UnexpectedInput

_HINT = "expected an integer expression such as N, 64 or (H-1)//2"
_DTYPES = {dtype.value: dtype for dtype in DType}


class TypeReader:
    """Reads types and sizes, remembers types by their text, and collects what is wrong."""

    def __init__(self) -> None:
        """Start with nothing known and nothing found."""
        self.found: list[Diagnostic] = []
        self._known: dict[str, TensorType] = {}

    def cached(self, text: str, where: Callable[[], Loc]) -> TensorType:
        """Return the type of a text that was perhaps read before."""
        known = self._known.get(text)
        if known is None:
            before = len(self.found)
            known = self.type(text, where())
            if len(self.found) == before:
                self._known[str(text)] = known
        return known

    def type(self, text: str, where: Loc) -> TensorType:
        """Return a type, ``f32[N,3]``; something like it where findings were made."""
        name, bracket, rest = text.partition("[")
        if not bracket or not rest.endswith("]"):
            hint = "expected a type such as f32[N,64,56,56]"
            self.found.append(Diagnostic(f"{text!r} is no type", hint, "type", where))
            return TensorType(DType.F32, ())
        dtype = _DTYPES.get(name.strip())
        if dtype is None:
            hint = did_you_mean(name, _DTYPES)
            self.found.append(Diagnostic(f"there is no dtype {name!r}", hint, "type", where))
        sizes: list[Dim] = []
        column = where.column + len(name) + 1
        for part in rest[:-1].split(",") if rest[:-1].strip() else ():
            start = column + len(part) - len(part.lstrip())
            sizes.append(self.dim(part.strip(), replace(where, column=start)))
            column += len(part) + 1
        return TensorType(dtype or DType.F32, tuple(sizes))

    def dim(self, text: str, where: Loc) -> Dim:
        """Return a size; 1 where findings were made."""
        if text.isdecimal() and text.isascii() and len(text) < 19:
            return int(text)
        if text.isidentifier():
            return symbol(text)
        try:
            value = read(text, "sum")
        except UnexpectedInput as error:
            column = min(where.column + max(error.column, 1) - 1, where.column + len(text))
            shown = text if len(text) <= 40 else f"{text[:40]}..."
            place = replace(where, column=column)
            self.found.append(Diagnostic(f"{shown!r} is no size", _HINT, "syntax", place))
            return 1
        if isinstance(value, Fault):
            self.found.append(Diagnostic(value.message, value.hint, "attribute-value", where))
            return 1
        return symbol(str(value)) if isinstance(value, str) else value
