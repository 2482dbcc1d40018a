"""Files that appear whole or not at all, and where those are kept that are made once."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def whole(path: str | os.PathLike[str]) -> Generator[Path]:
    """Yield an empty file beside ``path`` to write to; it takes that place when the block ends, and goes if it fails.

    A reader sees the old file or the new one, never a part. The mode is the old file's, or that of any new file. A link
    stays, and what it leads to is replaced; devices and pipes (``/dev/stdout``) are written to as they are. Raises
    OSError where the folder is not there or cannot be written.
    """
    given = Path(path)
    if given.exists() and not given.is_file() and not given.is_dir():
        yield given
        return
    target = given.resolve()
    part = target.with_name(f".{target.name}.{token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield part
        if target.exists():
            part.chmod(target.stat().st_mode)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def user_cache_dir() -> Path:
    """Return NASC_CACHE_DIR, else nasc's folder in XDG_CACHE_HOME, else ``~/.cache/nasc``."""
    own = os.environ.get("NASC_CACHE_DIR")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "nasc"
