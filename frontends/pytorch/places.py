"""Where a node comes from: the layer's path and the line of the user's file, with no absolute path in it."""

from __future__ import annotations

import linecache
import os
import re
import sysconfig
import traceback
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import torch
from torch import fx
from torch.fx.experimental import proxy_tensor
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from ...ir import Loc

_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
_EXPORT = _TORCH + os.path.join("export", "_trace.py")
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_PACKAGES = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
_FRAME = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+)')
_REUSED = re.compile(r"@\d+")


def path_of(node: fx.Node) -> str:
    """Return the dotted name of the innermost module that a node belongs to; "" is the model itself."""
    stack = cast("dict[str, tuple[str, Any]] | None", node.meta.get("nn_module_stack"))
    if not stack:
        return ""
    path, _ = next(reversed(stack.values()))
    return _REUSED.sub("", path)


def loc_of(node: fx.Node, path: str) -> Loc | None:
    """Return the source line of a node; the column is where the line names the layer or the operation."""
    trace = node.meta.get("stack_trace")
    if not trace:
        return None
    chosen = innermost([(m["file"], int(m["line"])) for m in _FRAME.finditer(trace)])
    if chosen is None:
        return None
    file, line = chosen
    return Loc(shown_path(file), line, _column(file, line, path.rpartition(".")[2]))


def error_place(error: BaseException) -> Loc | None:
    """Return the line of user code that raised an error inside torch.export."""
    frames = traceback.extract_tb(error.__traceback__)
    chosen = innermost([(f.filename, f.lineno or 0) for f in _after_export(frames)])
    if chosen is None:
        return None
    file, line = chosen
    columns = [f.colno for f in frames if f.filename == file and f.lineno == line and f.colno is not None]
    return Loc(shown_path(file), line, columns[-1] + 1 if columns else 0)


@contextmanager
def guard_places() -> Generator[list[Loc]]:
    """Collect the lines at which torch.export had to assume something of a symbolic size."""
    places: list[Loc] = []
    environment = cast("Any", ShapeEnv)
    log = environment._log_guard

    def note(self: object, *details: object, **named: object) -> None:
        chosen = innermost([(f.filename, f.lineno or 0) for f in _after_export(traceback.extract_stack()[:-1])])
        if chosen is not None:
            places.append(Loc(shown_path(chosen[0]), chosen[1]))
        log(self, *details, **named)

    environment._log_guard = note
    try:
        yield places
    finally:
        environment._log_guard = log


@contextmanager
def full_stacks() -> Generator[None]:
    """Make torch.export record the one frame that matters of each node, also outside functions named forward.

    torch.export keeps only frames named ``forward``; ``TracerBase._filter_traceback_frames`` is the method that
    its comment offers for other choices.
    """
    tracer = cast("Any", proxy_tensor.PythonKeyTracer)
    name = "_filter_traceback_frames"
    own = tracer.__dict__.get(name)

    def keep(_: object, stack: traceback.StackSummary) -> traceback.StackSummary:
        frames = _after_export(stack)
        chosen = innermost([(f.filename, f.lineno or 0) for f in frames])
        kept = [f for f in frames if (f.filename, f.lineno or 0) == chosen]
        return traceback.StackSummary.from_list(kept[-1:])

    setattr(tracer, name, keep)
    try:
        yield
    finally:
        if own is None:
            delattr(tracer, name)
        else:
            setattr(tracer, name, own)


@cache
def shown_path(file: str) -> str:
    """Return a path relative to site-packages or to the working directory, with forward slashes."""
    found = _PACKAGES.search(file)
    if found:
        return file[found.end() :].replace(os.sep, "/")
    return os.path.relpath(file).replace(os.sep, "/") if os.path.isabs(file) else file


def _after_export(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Return the frames below torch.export's own: those of the model."""
    kept: list[traceback.FrameSummary] = []
    for frame in frames:
        if frame.filename == _EXPORT:
            kept.clear()
        else:
            kept.append(frame)
    return kept


def innermost(frames: list[tuple[str, int]]) -> tuple[str, int] | None:
    """Return the innermost frame of the user's files, else of a library that is not PyTorch."""
    outside = [f for f in frames if _is_source(f[0])]
    own = [f for f in outside if not _PACKAGES.search(f[0])]
    found = own or outside
    return found[-1] if found else None


@cache
def _is_source(file: str) -> bool:
    if file.startswith((_TORCH, _OURS, "<")):
        return False
    return not file.startswith(_STANDARD) or bool(_PACKAGES.search(file))


def _column(file: str, line: int, layer: str) -> int:
    """Return the column at which a line names a layer, ``self.conv1(``; 0 where it does not, or does twice."""
    if not layer:
        return 0
    text = linecache.getline(file, line)
    found = [m.start() + 1 for m in re.finditer(rf"\bself\.{re.escape(layer)}\b", text)]
    return found[0] if len(found) == 1 else 0
