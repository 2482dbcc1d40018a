"""Saved programs: ``.pt2`` files of torch.export.save."""

from __future__ import annotations

from dataclasses import replace

import torch

from ...ir import NascError
from ..lowered import Lowered
from ..source import Source
from .capture import quiet, symbols_of
from .lowering import lower_program


def lower_file(source: Source) -> Lowered:
    """Return the program of a file as a module. Raises NascError where the file holds no program."""
    with quiet():
        try:
            program = torch.export.load(source.place)
        except Exception as error:
            raise NascError.of(
                f"{source.place} holds no exported program: {type(error).__name__}: {error}",
                "expected a file written by torch.export.save",
                "program",
            ) from error
    lowered = lower_program(program, symbols_of(program), source=source.text)
    return replace(lowered)
