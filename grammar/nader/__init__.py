"""The NADER block language as a dialect: text to modules.

Source: NADER (arXiv 2412.19206), section 3.2 and table A6. docs/nader.md lists where this reader is stricter than the
checker that the authors published, and where it is right and that is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...ir import Diagnostic, Graph, Loc, Module, NascError
from .blocks import Role, graph_name, graph_of, role_of
from .lines import Section, sections
from .skeleton import TITLE, network, section_settings, skeleton_of

__all__ = ["is_nader", "parse_nader", "parse_nader_files"]

_START = re.compile(r"\ufeff?(?:[ \t\r]*(?:#(?!#)[^\n]*)?\n)*[ \t]*##[^#\n]+##")


def is_nader(text: str) -> bool:
    """Return whether a text is in this language: comments aside, it starts with ``##name##``."""
    return _START.match(text) is not None


def parse_nader(text: str, filename: str = "<text>", settings: Mapping[str, object] | None = None) -> Module:
    """Return the module of a text of blocks, checked for all sizes of their inputs.

    With a section ``##skeleton##``, or with ``settings`` (``{"widths": (16, 32), "depths": (2, 2), "classes": 10}``),
    the entry is the network that stacks the blocks; else it is the first block. A block is a stem or a downsampling
    block where its name says so, else a base block. Raises NascError with every error,
    each with its line and column.
    """
    return parse_nader_files([(text, filename)], settings)


def parse_nader_files(files: Sequence[tuple[str, str]], settings: Mapping[str, object] | None = None) -> Module:
    """Return the module of several texts, each with the name of its file, read as if they were one."""
    read = [_sections(text, filename) for text, filename in files]
    graphs: list[Graph] = []
    roles: dict[Role, Graph] = {}
    for (text, filename), found in zip(files, read, strict=True):
        errors: list[Diagnostic] = []
        for section in found:
            if section.name.lower() == TITLE:
                continue
            role = role_of(section.name)
            name = graph_name(section.name, [*(graph.name for graph in graphs), "main"])
            graph, problems = graph_of(section, role, name, filename)
            errors += problems
            errors += _second(section, role, roles, filename)
            if graph is not None:
                graphs.append(graph)
                roles.setdefault(role, graph)
        if errors:
            raise NascError(*sorted(errors, key=_position), text=text)
    return _module(files, read, graphs, roles, settings)


def _module(
    files: Sequence[tuple[str, str]],
    read: Sequence[list[Section]],
    graphs: list[Graph],
    roles: Mapping[Role, Graph],
    settings: Mapping[str, object] | None,
) -> Module:
    for (text, filename), found in zip(files, read, strict=True):
        for section in found:
            if section.name.lower() == TITLE:
                where = Loc(filename, section.line, 1)
                try:
                    given, places = section_settings(section, filename)
                    return network(skeleton_of({**given, **(settings or {})}, where, places), roles, where)
                except NascError as error:
                    raise NascError(*error.diagnostics, text=text) from None
    if settings is not None:
        where = Loc(files[0][1])
        return network(skeleton_of(settings, where), roles, where)
    if not graphs:
        raise NascError.of("there are no blocks", "start with the name of a block, ##name##", "empty", Loc(files[0][1]))
    return Module(tuple(graphs), graphs[0].name)


def _sections(text: str, filename: str) -> list[Section]:
    found, errors = sections(text, filename)
    titles = [section for section in found if section.name.lower() == TITLE]
    errors += [
        Diagnostic("there are two skeletons", "remove one of them", "duplicate-graph", Loc(filename, section.line, 1))
        for section in titles[1:]
    ]
    if not errors:
        return found
    raise NascError(*sorted(errors, key=_position), text=text)


def _second(section: Section, role: Role, roles: Mapping[Role, Graph], filename: str) -> list[Diagnostic]:
    if role not in roles or role == "base":
        return []
    hint = f"@{roles[role].name} is the {role} already"
    return [Diagnostic(f"there are two {role} blocks", hint, "duplicate-graph", Loc(filename, section.line, 1))]


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    where = diagnostic.where or Loc("")
    return where.line, where.column
