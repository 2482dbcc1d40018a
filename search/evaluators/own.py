"""The user's own function as an evaluator: ``train:FILE.py:function`` gets the network as an nn.Module.

The file is run as ``python FILE.py`` would run it, in the sandbox's process.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...ir import Module, NascError, did_you_mean
from .evaluator import Outcome


@dataclass(frozen=True)
class OwnEvaluator:
    """Calls ``function(model, seed)``, which returns the score, or numbers by name with ``score`` among them."""

    place: str
    function: Callable[..., object]

    @property
    def name(self) -> str:
        """``train:FILE.py:function``."""
        return f"train:{self.place}"

    def evaluate(self, module: Module, seed: int = 0) -> Outcome:
        """Return what the function says of the model, whose fresh weights are drawn by ``seed``; so are the random
        states of Python, NumPy and PyTorch when it is called. Raises NascError where it returns something else.
        """  # noqa: D205
        import numpy as np
        import torch

        from ...backends import instantiate

        model = instantiate(module, seed=seed).train()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        return Outcome("done", self._numbers(self.function(model, seed)))

    def _numbers(self, found: object) -> dict[str, float]:
        if isinstance(found, Mapping):
            numbers = {str(name): _number(value) for name, value in found.items()}
            if "score" in numbers and None not in numbers.values():
                return {name: value for name, value in numbers.items() if value is not None}
        alone = _number(found)
        if alone is not None:
            return {"score": alone}
        shown = repr(found)
        message = f"{self.place} returned {shown if len(shown) < 80 else type(found).__name__}"
        raise NascError.of(message, "expected a number, or numbers by name with 'score' among them", "evaluator")


def _number(value: object) -> float | None:
    item = getattr(value, "item", None)
    plain: object = item() if callable(item) else value
    return float(plain) if isinstance(plain, (int, float)) else None


def open_own(argument: str) -> OwnEvaluator:
    """Return the evaluator of ``FILE.py:function``. Raises NascError where there is no such file or function."""
    place, _, name = argument.rpartition(":")
    path = Path(place)
    if not path.is_file():
        raise NascError.of(f"there is no file {place}", "expected train:FILE.py:function", "evaluator")
    spec = importlib.util.spec_from_file_location(f"nasc_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        hint = f"run `python {place}` to see it"
        raise NascError.of(f"{place} fails: {type(error).__name__}: {error}", hint, "evaluator") from error
    function = getattr(loaded, name, None)
    if not callable(function):
        own = [key for key, value in vars(loaded).items() if callable(value) and not key.startswith("_")]
        raise NascError.of(f"{place} has no function {name!r}", did_you_mean(name, own), "evaluator")
    import torch

    torch.set_num_threads(1)
    return OwnEvaluator(argument, function)
