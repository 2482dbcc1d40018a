"""Reading ``.keras`` files: checked before Keras sees them, so that every layer that needs code is named at once."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from typing import Any

from ...ir import Diagnostic, NascError
from .runtime import keras_with_torch

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONFIG_LIMIT = 256 * 2**20
_EXPECTED = "expected a file written by model.save('model.keras') of Keras 3"


def load(place: str) -> Any:
    """Return the model of a ``.keras`` file, its code never run: only layers of Keras itself are built.

    Raises:
        NascError: where the file is not such a file, is damaged, or needs code that it cannot carry.
    """
    keras = keras_with_torch()
    problems = list(_foreign(read_config(place), ""))
    if problems:
        raise NascError(*problems)
    try:
        return keras.saving.load_model(place, compile=False, safe_mode=True)
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise NascError.of(
            f"{place} cannot be loaded: {type(error).__name__}: {said[:300]}", _EXPECTED, "keras-file"
        ) from error


def read_config(place: str) -> dict[str, Any]:
    """Return the configuration of a ``.keras`` file. Raises NascError where it holds none."""
    try:
        with zipfile.ZipFile(place) as file:
            names = file.namelist()
            missing = [name for name in (CONFIG, WEIGHTS) if name not in names]
            if missing:
                raise NascError.of(f"{place} holds no {missing[0]}", _EXPECTED, "keras-file")
            if file.getinfo(CONFIG).file_size > CONFIG_LIMIT:
                raise NascError.of(f"{place}: its {CONFIG} is larger than 256 MiB", _EXPECTED, "keras-file")
            data = json.loads(file.read(CONFIG))
    except (OSError, zipfile.BadZipFile) as error:
        raise NascError.of(f"{place} is not a .keras file: {error}", _EXPECTED, "keras-file") from None
    except (ValueError, RecursionError) as error:
        raise NascError.of(f"{place}: its {CONFIG} is not JSON: {error}", _EXPECTED, "keras-file") from None
    if not isinstance(data, dict) or "class_name" not in data:
        raise NascError.of(f"{place}: its {CONFIG} describes no model", _EXPECTED, "keras-file")
    return data


def _foreign(data: Any, layer: str) -> Iterator[Diagnostic]:
    """Yield what a configuration asks for that is not Keras's own, with the layer that asks for it."""
    if isinstance(data, list):
        for item in data:
            yield from _foreign(item, layer)
    if not isinstance(data, dict):
        return
    name = data.get("class_name")
    if isinstance(name, str) and "config" in data:
        config = data["config"]
        own = config.get("name", layer) if isinstance(config, dict) else layer
        layer = str(own) if "inbound_nodes" in data or "build_config" in data else layer
        problem = _problem(data, name, layer)
        if problem is not None:
            yield problem
            return
    for key, value in data.items():
        if key != "compile_config":
            yield from _foreign(value, layer)


def _problem(data: dict[str, Any], name: str, layer: str) -> Diagnostic | None:
    if name in ("Lambda", "__lambda__"):
        return Diagnostic(
            "a Lambda layer holds Python code, which nasc does not run from a file",
            "lower the code that builds the model, nasc lower model.py, or write it with keras.ops",
            "keras-lambda",
            path=layer,
        )
    module = data.get("module", "keras")
    if name.startswith("__") or (module == "builtins" and name == "function"):
        return None
    if isinstance(module, str) and (module == "keras" or module.startswith("keras.")):
        return None
    where = f" of {module}" if isinstance(module, str) else ""
    return Diagnostic(
        f"{name}{where} is a class of the model's own, which the file does not hold",
        "lower the code that builds the model: nasc lower model.py",
        "keras-custom",
        path=layer,
    )
