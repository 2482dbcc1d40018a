"""Spaces that a search may visit: the cells of a benchmark, or whatever can be made of a model by edits."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine import Space

SPACES = ("nb201",)
"""The names of closed spaces; anything else that a search starts from is a model."""


def open_space(text: str, *, inputs: Sequence[str] = (), data: str | None = None, keep_ops: bool = False) -> Space:
    """Return the space of a name, ``nb201``, or the one around a model that ``nasc lower`` takes.

    ``inputs`` and ``data`` tell the shapes of a model that does not, as for ``nasc lower``. ``keep_ops`` allows only
    kinds of ops that the model has. Raises NascError where there is no such model.
    """
    if text == "nb201":
        from .nb201 import Nb201Space

        return Nb201Space()
    from ...frontends import lower_source
    from .model import ModelSpace

    return ModelSpace((lower_source(text, inputs, data).module,), keep_ops=keep_ops, name=text)


__all__ = ["SPACES", "open_space"]
