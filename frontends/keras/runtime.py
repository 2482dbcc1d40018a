"""Keras with its torch backend: chosen before the first import, and what to do where that is too late."""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType

from ...ir import NascError
from ..frameworks import make_way

_NAME = "KERAS_BACKEND"


@contextmanager
def torch_backend() -> Generator[None]:
    """Let Keras take its torch backend where it is imported for the first time in this block."""
    before = os.environ.get(_NAME)
    os.environ[_NAME] = "torch"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_NAME, None)
        else:
            os.environ[_NAME] = before


@contextmanager
def seeded() -> Generator[None]:
    """Let Keras make the same weights each time; the seeds of its initializers come from Python's ``random``."""
    import torch

    before = random.getstate()
    random.seed(0)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield
    finally:
        random.setstate(before)


def keras_with_torch() -> ModuleType:
    """Return Keras. Raises NascError where it is not installed, too old, or runs on another backend."""
    make_way()
    try:
        with torch_backend():
            import keras
    except ImportError as error:
        raise NascError.of("keras is not installed", "pip install 'nasc[keras]'", "no-library") from error
    version = str(getattr(keras, "__version__", "0"))
    if int(version.partition(".")[0]) < 3:
        raise NascError.of(
            f"keras is {version}", "nasc reads models of Keras 3: pip install 'nasc[keras]'", "no-library"
        )
    backend = keras.backend.backend()
    if backend != "torch":
        raise NascError.of(
            f"Keras runs on {backend} in this process",
            "set KERAS_BACKEND=torch before keras is imported, and do not set another in the file; "
            "weights saved under any backend load",
            "keras-backend",
        )
    found: ModuleType = keras
    return found
