"""The text form of the IR: parser, printer, JSON view, highlighting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .printer import print_attributes, print_graph, print_module, print_node

if TYPE_CHECKING:
    from .parser import parse, parse_checked, parse_dim, parse_type

__all__ = [
    "parse",
    "parse_checked",
    "parse_dim",
    "parse_type",
    "print_attributes",
    "print_graph",
    "print_module",
    "print_node",
]


def __getattr__(name: str) -> object:
    """Load the parser, and with it lark, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import parser

    return getattr(parser, name)
