"""Emitted files, loaded as a user would load them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nasc.backends import emit_torch
from nasc.ir import Module

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Emit a module, write it to a file and import that file."""
    count = 0

    def emit_and_import(module: Module, **options: Any) -> ModuleType:
        nonlocal count
        count += 1
        path = tmp_path / f"emitted_{count}.py"
        path.write_text(emit_torch(module, **options), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        emitted = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(emitted)
        return emitted

    return emit_and_import
