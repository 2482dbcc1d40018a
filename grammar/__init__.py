"""The text form of the IR: parser, printer, JSON view, highlighting."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .printer import print_attributes, print_graph, print_module, print_node

if TYPE_CHECKING:
    from .highlight import coloured, highlight
    from .json_view import from_json, parse_json, to_json
    from .locate import located
    from .nader import is_nader, parse_nader, parse_nader_files
    from .parser import parse, parse_checked, parse_dim, parse_type

__all__ = [
    "coloured",
    "from_json",
    "highlight",
    "is_nader",
    "located",
    "parse",
    "parse_checked",
    "parse_dim",
    "parse_json",
    "parse_nader",
    "parse_nader_files",
    "parse_type",
    "print_attributes",
    "print_graph",
    "print_module",
    "print_node",
    "to_json",
]

# The parser brings lark: these load when they are first asked for.
_LATER = {
    "coloured": "highlight",
    "from_json": "json_view",
    "highlight": "highlight",
    "is_nader": "nader",
    "located": "locate",
    "parse": "parser",
    "parse_checked": "parser",
    "parse_dim": "parser",
    "parse_json": "json_view",
    "parse_nader": "nader",
    "parse_nader_files": "nader",
    "parse_type": "parser",
    "to_json": "json_view",
}


def __getattr__(name: str) -> object:
    """Load the module that holds a public name."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value
