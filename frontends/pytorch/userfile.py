"""The user's model.py: imported as Python imports it, and what goes wrong there told by its line."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ...ir import Diagnostic, Loc, NascError
from .places import shown_path


@contextmanager
def imported(place: str) -> Generator[ModuleType]:
    """Import a file, and keep its folder on ``sys.path`` for the block. Raises NascError with the line that fails.

    The file's own code runs, as ``python model.py`` would run it but for its ``__main__`` part. A file of a package is
    imported as a part of it, so that it may import its neighbours by relative names.
    """
    path = Path(place).resolve()
    root, package = _package(path.parent)
    stem = path.stem if path.stem.isidentifier() else f"nasc_model_{path.stem}"
    name = f"{package}.{stem}" if package else stem
    name = name if name not in sys.modules else f"{package}.nasc_model_{stem}".lstrip(".")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NascError.of(f"{place} cannot be imported", "expected a Python file", "import")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folders, words = list(dict.fromkeys((str(path.parent), str(root)))), sys.argv
    sys.path[:0] = folders
    sys.argv = [place]
    try:
        with told(path, f"{place} cannot be imported"):
            spec.loader.exec_module(module)
        yield module
    finally:
        sys.argv = words
        for folder in folders:
            sys.path.remove(folder)
        sys.modules.pop(name, None)


def _package(folder: Path) -> tuple[Path, str]:
    """Return the folder that a package lies in and its dotted name; of no package the folder itself and nothing."""
    names: list[str] = []
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


@contextmanager
def told(path: Path, what: str) -> Generator[None]:
    """Turn whatever the user's code raises into an error that names the line of the file."""
    try:
        yield
    except NascError:
        raise
    except SyntaxError as error:
        where = Loc(shown_path(error.filename or str(path)), error.lineno or 0, error.offset or 0)
        raise _failure(what, error, where) from error
    except (Exception, SystemExit) as error:
        raise _failure(what, error, _place(error, path)) from error


def _failure(what: str, error: BaseException, where: Loc | None) -> NascError:
    message = str(error.msg if isinstance(error, SyntaxError) else error)
    if isinstance(error, ModuleNotFoundError):
        hint = f"install {error.name} into this environment, or put it beside the file"
    elif isinstance(error, SystemExit):
        hint = "the file ends the program when imported: keep that under `if __name__ == '__main__':`"
    else:
        hint = "run the file with python to see the whole traceback"
    kind = type(error).__name__
    return NascError(Diagnostic(f"{what}: {kind}: {message}".rstrip(": "), hint, "user-code", where=where))


def _place(error: BaseException, path: Path) -> Loc | None:
    """Return the innermost line of the file in a traceback, else of its folder."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename == str(path)]
    near = [f for f in frames if Path(f.filename).parent == path.parent]
    for frame in reversed(own or near):
        return Loc(shown_path(frame.filename), frame.lineno or 0, (frame.colno or 0) + 1)
    return None
