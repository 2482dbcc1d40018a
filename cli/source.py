"""Reading what a command works on: the IR from a file or a pipe, anything else through a frontend."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..ir import Module, NascError, checked


def read_module(source: str | None, arguments: argparse.Namespace | None = None) -> Module:
    """Return the module that a SOURCE names, types filled in. Raises NascError."""
    if source is None or source == "-":
        return checked(read_pipe())
    if source.endswith(".nasc"):
        from ..grammar import parse

        return checked(parse(read_text(source), source))
    if source.endswith(".json"):
        return checked(_from_json(read_text(source), source))
    from ..frontends import lower_source

    inputs = arguments.input if arguments is not None else ()
    data = arguments.data if arguments is not None else None
    lowered = lower_source(source, inputs, data)
    return lowered.module


def read_pipe() -> Module:
    """Return the module that comes through stdin, text or JSON. Raises NascError on an empty pipe."""
    from ..grammar import parse

    if sys.stdin is None or sys.stdin.isatty():
        raise NascError.of(
            "no model was given",
            "name one, `nasc check model.py`, or pipe the IR in: `nasc lower model.py | nasc check`",
            "no-source",
        )
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise NascError.of(
            f"<stdin>: not text: {error}", "pipe in what `nasc lower` prints", "encoding"
        ) from None
    if text.lstrip().startswith("{"):
        return _from_json(text, "<stdin>")
    return parse(text, "<stdin>")


def read_text(path: str) -> str:
    """Return the text of a file. Raises NascError where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NascError.of(f"{path}: there is no such file", _neighbours(path), "no-file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NascError.of(
            f"{path}: cannot be read: {error}", "expected a text file in UTF-8", "no-file"
        ) from None


def _neighbours(path: str) -> str:
    from ..ir import did_you_mean

    folder = Path(path).parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist either"
    names = [str(child) for child in folder.iterdir() if child.suffix in (".nasc", ".json", ".py")]
    return did_you_mean(path, names)


def _from_json(text: str, name: str) -> Module:
    import json

    from ..grammar import from_json

    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NascError.of(
            f"{name}: not JSON: {error}", "expected what `nasc emit --to json` writes", "json"
        ) from None
    return from_json(data)
