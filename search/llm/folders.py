"""Where things are kept between runs, and how a file gets there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def user_cache_dir() -> Path:
    """Return NASC_CACHE_DIR, else nasc's folder in XDG_CACHE_HOME, else ``~/.cache/nasc``."""
    own = os.environ.get("NASC_CACHE_DIR")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "nasc"


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old text or the new, never a part; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
