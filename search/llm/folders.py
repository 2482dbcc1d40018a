"""Where things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache_dir() -> Path:
    """Return NASC_CACHE_DIR, else nasc's folder in XDG_CACHE_HOME, else ``~/.cache/nasc``."""
    own = os.environ.get("NASC_CACHE_DIR")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "nasc"
