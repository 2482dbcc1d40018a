"""Reading what a command works on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import NascError
from .output import write_diagnostics

if TYPE_CHECKING:
    from ..frontends import Lowered
    from ..ir import Module


def read_module(source: str | None, arguments: argparse.Namespace) -> Module:
    """Return the module that a SOURCE names, types filled in; warnings go to stderr. Raises NascError."""
    return read_model(source, arguments).module


def read_model(source: str | None, arguments: argparse.Namespace) -> Lowered:
    """Return the module that a SOURCE names and its weights; warnings go to stderr. Raises NascError."""
    from ..frontends import lower_source

    if source in (None, "-") and (sys.stdin is None or sys.stdin.isatty()):
        raise NascError.of(
            "no model was given",
            "name one, `nasc check model.py`, or pipe the IR in: `nasc lower model.py | nasc check`",
            "no-source",
        )
    lowered = lower_source(source or "-", arguments.input, arguments.data)
    write_diagnostics(lowered.diagnostics, "text")
    return lowered


def read_text(path: str) -> str:
    """Return the text of a file. Raises NascError where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise NascError.of(
            f"{path}: cannot be read: {reason}", "name the .py file that holds the model", "file"
        ) from None
