"""What a person may name as a model: a file, a model in a file, a model of a library, standard input."""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ..ir import NascError, did_you_mean

Kind = Literal[
    "python",
    "timm",
    "torchvision",
    "transformers",
    "keras",
    "keras-file",
    "saved-model",
    "program",
    "onnx",
    "text",
    "json",
    "stdin",
    "cells",
    "nader",
]
_SUFFIXES: Mapping[str, Kind] = {
    ".py": "python",
    ".pt2": "program",
    ".onnx": "onnx",
    ".keras": "keras-file",
    ".nasc": "text",
    ".txt": "text",
    ".json": "json",
}
_LIBRARIES: Mapping[str, Kind] = {
    "timm": "timm",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "keras": "keras",
}
_FORMS = (
    "model.py, model.py:Name, model.py:Name(num_classes=10), timm:NAME, torchvision:NAME, transformers:NAME, "
    "keras:NAME, nb201:STRING, nader:FILE, .pt2, .onnx, .keras, saved_model/, .nasc, .json, -"
)
_FAMILY = re.compile(r"(?P<family>[A-Za-z]\w*):(?P<text>.*)", re.DOTALL)
_PYTHON = re.compile(r"^(?P<file>.+?\.py)(?::(?P<name>.*))?$", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A parsed source: where the model is, its name there, and the arguments to build it with."""

    text: str
    kind: Kind
    place: str
    name: str = ""
    positional: tuple[object, ...] = ()
    keyword: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    called: bool = False


@dataclass(frozen=True)
class Reference:
    """An argument that names something of the user's file: ``GPTConfig``, ``nn.ReLU``, or a call of a class there."""

    name: str
    positional: tuple[object, ...] = ()
    keyword: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    called: bool = False


def parse_source(text: str) -> Source:
    """Return what a source names. Raises NascError saying which forms there are."""
    pipe = _pipe(text)
    if pipe:
        return Source(text, "stdin", pipe)
    library, colon, rest = text.partition(":")
    if colon and library in _LIBRARIES:
        return _named(text, _LIBRARIES[library], library, rest)
    if colon and library == "nader":
        return _blocks(text, rest)
    found = _PYTHON.match(text)
    if found:
        return _named(text, "python", found["file"], found["name"] or "")
    if os.path.isdir(text):  # False, not an error, where the text is too long for a path
        return Source(text, "saved-model", text)
    suffix = Path(text).suffix
    if suffix in _SUFFIXES:
        return Source(text, _SUFFIXES[suffix], text)
    family = _FAMILY.fullmatch(text)
    if family:
        return _cells(text, family["family"], family["text"])
    raise NascError.of(f"{text!r} is not a model", _forms_hint(text), "source")


def _pipe(text: str) -> str:
    """Return the place of a source that is a pipe, such as a shell writes for ``<(nasc lower model.py)``; else "".

    Standard input is ``<stdin>``.
    """
    if text in ("-", "/dev/stdin"):
        return "<stdin>"
    return text if os.path.exists(text) and stat.S_ISFIFO(os.stat(text).st_mode) else ""


def _blocks(text: str, rest: str) -> Source:
    """Return files of blocks, joined by ``+``, with what the skeleton that stacks them is to be."""
    files, bracket, arguments = rest.partition("(") if rest.endswith(")") else (rest, "", "")
    source = (
        _named(text, "nader", files.strip(), f"nader({arguments}") if bracket else Source(text, "nader", files.strip())
    )
    if source.positional:
        hint = "expected nader:FILE+FILE(widths=[16,32], depths=[2,2], classes=10)"
        raise NascError.of("the settings of a skeleton have names", hint, "arguments")
    return source


def _cells(text: str, family: str, name: str) -> Source:
    from .cells import FAMILIES

    if family not in FAMILIES:
        hint = did_you_mean(family, (*FAMILIES, *_LIBRARIES, "nader"))
        raise NascError.of(f"there is no library and no benchmark {family!r}", hint, "source")
    return Source(text, "cells", family, name)


def _forms_hint(text: str) -> str:
    if re.fullmatch(r"\w+", text):
        libraries = f"timm:{text}, torchvision:{text} or keras:{text}"
        return f"for a model of a library write {libraries}; expected one of: {_FORMS}"
    return f"expected one of: {_FORMS}"


def _named(text: str, kind: Kind, place: str, rest: str) -> Source:
    name, bracket, _ = rest.partition("(")
    if not bracket:
        return Source(text, kind, place, name.strip())
    try:
        call = ast.parse(rest.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        call = None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
        raise NascError.of(f"{rest!r} is not a call", f"expected {name or 'Name'}(number=10, flag=True)", "arguments")
    positional, keyword = _arguments(call, kind == "python")
    return Source(text, kind, place, name.strip(), positional, keyword, called=True)


def _arguments(call: ast.Call, names: bool) -> tuple[tuple[object, ...], Mapping[str, object]]:
    keyword = {item.arg: _argument(item.value, names) for item in call.keywords if item.arg is not None}
    return tuple(_argument(node, names) for node in call.args), MappingProxyType(keyword)


def _argument(node: ast.expr, names: bool) -> object:
    """Return the value of a literal, or a reference where ``names`` are allowed; nothing is ever evaluated."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        called = isinstance(node, ast.Call)
        what = node.func if isinstance(node, ast.Call) else node
        if names and _dotted(what):
            given = _arguments(node, names) if isinstance(node, ast.Call) else ((), MappingProxyType({}))
            return Reference(ast.unparse(what), *given, called=called)
        raise NascError.of(
            f"{ast.unparse(node)!r} is not a literal",
            "arguments may be numbers, strings, true values, None, and lists, tuples or dicts of them"
            + ", and names and classes of the file, such as Config(depth=2)" * names,
            "arguments",
        ) from None


def _dotted(node: ast.expr) -> bool:
    """Return whether an expression is a name, or names with dots between them."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _dotted(node.value))


def missing_file(place: str) -> NascError:
    """Return the error that there is no such file, with the nearest name in its folder."""
    path = Path(place)
    folder = path.parent
    names = [item.name for item in folder.iterdir() if item.is_file()] if folder.is_dir() else []
    similar = [name for name in names if Path(name).suffix == path.suffix]
    hint = did_you_mean(path.name, similar) if similar else f"there is no {path.suffix} file in {folder}"
    return NascError.of(f"there is no file {place}", hint, "no-file")
