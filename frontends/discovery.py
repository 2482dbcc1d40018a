"""From what a person names to a module: files are read, models found, built and lowered.

A ``model.py`` is run by a normal import, as ``python model.py`` would run it, with its folder on ``sys.path``:
lower only files that you would run. A ``.pt2`` is read by torch.export.load, which trusts its file likewise.
Text and JSON are only parsed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..ir import Module, NascError, TensorType, checked
from .lowered import Lowered
from .shapes import parse_shape
from .source import Source, missing_file, parse_source


def lower_source(source: str, inputs: Sequence[str] = (), data: str | None = None) -> Lowered:
    """Return the model that ``source`` names as a module with its weights.

    ``source`` is one of ``model.py``, ``model.py:Name``, ``model.py:Name(num_classes=10)`` (a model of PyTorch or
    Keras, or a tf.function), ``timm:NAME``, ``torchvision:NAME``, ``transformers:NAME``, ``keras:NAME``, a string of
    a benchmark such as ``nb201:|nor_conv_3x3~0|+...``, blocks in the NADER language
    (``nader:blocks.txt(widths=[16,32], depths=[2,2], classes=10)``, or a file that starts with ``##name##``), a
    ``.pt2``, ``.onnx``, ``.keras``, ``.nasc`` or ``.json`` file, the folder of a SavedModel, or ``-`` for text on
    standard input.
    ``inputs`` are the shapes of the example inputs, ``1x3x32x32`` or ``i64[1,128]``, as the model takes them; ``data``
    names a data loader of the file. Models are built under seed 0, so weights are the same each time.

    Raises:
        NascError: with the place, and the commands that would work where something is missing or ambiguous.
    """
    parsed = parse_source(source)
    types = tuple(parse_shape(text) for text in inputs)
    if parsed.kind in ("python", "program", "onnx", "keras-file") and not os.path.isfile(parsed.place):
        raise missing_file(parsed.place)
    if parsed.kind in _READERS:
        return _READERS[parsed.kind](parsed, types)
    from .pytorch.finding import lower_found

    return lower_found(parsed, types, data)


def _lower_text(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    return Lowered(checked(_read_text(source, inputs)))


def _lower_program(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .pytorch.programs import lower_file

    return lower_file(source)


def _lower_onnx(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .onnx import lower_onnx

    return lower_onnx(source.place, inputs)


def _lower_application(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .keras.zoo import lower_application

    return lower_application(source, inputs)


def _lower_keras_file(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .keras.zoo import lower_file

    return lower_file(source, inputs)


def _lower_saved_model(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .tensorflow import lower_saved_model

    return lower_saved_model(source.place, inputs, source.text)


def _lower_cells(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .cells import decode

    module = decode(source.place, source.name)
    if inputs:
        (taken,) = module.main.inputs
        raise NascError.of(f"networks of {source.place} take {taken.type}", "leave --input out", "inputs")
    return Lowered(module)


def _lower_blocks(source: Source, inputs: Sequence[TensorType]) -> Lowered:
    from .nader import lower_blocks

    files = [name.strip() for name in source.place.split("+")]
    return Lowered(lower_blocks([(_file_text(name), name) for name in files], source.keyword, inputs))


def _read_text(source: Source, inputs: Sequence[TensorType] = ()) -> Module:
    text = _piped(source.place) if source.kind == "stdin" else _file_text(source.place)
    if not text.strip():
        raise NascError.of(
            f"{source.place} is empty", "the command before the pipe may have failed: run it alone", "empty"
        )
    if source.kind == "json" or (source.kind == "stdin" and text.lstrip().startswith("{")):
        from ..grammar import parse_json

        return parse_json(text, source.place)
    if text.lstrip("\ufeff \t\r\n").startswith("#"):
        from ..grammar import is_nader
        from .nader import lower_blocks

        if is_nader(text):
            return lower_blocks([(text, source.place)], {}, inputs)
    from ..grammar import parse

    return parse(text, filename=source.place)


def _piped(place: str) -> str:
    try:
        if place != "<stdin>":
            return Path(place).read_text(encoding="utf-8")
        pipe = getattr(sys.stdin, "buffer", None)
        return sys.stdin.read() if pipe is None else pipe.read().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        hint = "expected the IR as text or JSON; name a file of another kind instead of piping it"
        raise NascError.of(f"{place} is not UTF-8 text: {error.reason}", hint, "encoding") from None


def _file_text(place: str) -> str:
    if not os.path.isfile(place):
        raise missing_file(place)
    try:
        return Path(place).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NascError.of(f"{place} is not UTF-8 text: {error.reason}", "expected text", "encoding") from None


_READERS: Mapping[str, Callable[[Source, Sequence[TensorType]], Lowered]] = {
    **dict.fromkeys(("text", "json", "stdin"), _lower_text),
    "nader": _lower_blocks,
    "cells": _lower_cells,
    "program": _lower_program,
    "onnx": _lower_onnx,
    "keras": _lower_application,
    "keras-file": _lower_keras_file,
    "saved-model": _lower_saved_model,
}
