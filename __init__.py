"""nasc: a compiler for neural architectures with a typed DAG IR, a learned predictor and LLM rewriting.

    >>> import nasc
    >>> lowered = nasc.lower(model, torch.randn(1, 3, 32, 32))
    >>> print(nasc.emit_torch(lowered.module))

Everything loads when it is first asked for, so that ``import nasc`` takes no time. docs/embedding.md shows it all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import adapters, backends, frontends, grammar, ir, passes, predictor, search
    from .backends import emit_dot, emit_nader, emit_onnx, emit_torch, instantiate, write_onnx
    from .frontends import Lowered, lower, lower_onnx, lower_source, read_weights, write_weights
    from .grammar import parse, parse_nader, print_module
    from .ir import Builder, Diagnostic, Graph, Module, NascError, Node, TensorType, digest
    from .ir import checked as check
    from .passes import cost, inline, parse_pipeline
    from .predictor import Predictor

__version__ = "0.1.0"

__all__ = [
    "Builder",
    "Diagnostic",
    "Graph",
    "Lowered",
    "Module",
    "NascError",
    "Node",
    "Predictor",
    "TensorType",
    "__version__",
    "adapters",
    "backends",
    "check",
    "cost",
    "digest",
    "emit_dot",
    "emit_nader",
    "emit_onnx",
    "emit_torch",
    "frontends",
    "grammar",
    "inline",
    "instantiate",
    "ir",
    "lower",
    "lower_onnx",
    "lower_source",
    "parse",
    "parse_nader",
    "parse_pipeline",
    "passes",
    "predictor",
    "print_module",
    "read_weights",
    "search",
    "write_onnx",
    "write_weights",
]

_ROOMS = ("adapters", "backends", "frontends", "grammar", "ir", "passes", "predictor", "search")
_HOMES = {
    **dict.fromkeys(("emit_dot", "emit_nader", "emit_onnx", "emit_torch", "instantiate", "write_onnx"), "backends"),
    **dict.fromkeys(("Lowered", "lower", "lower_onnx", "lower_source", "read_weights", "write_weights"), "frontends"),
    **dict.fromkeys(("parse", "parse_nader", "print_module"), "grammar"),
    **dict.fromkeys(("Builder", "Diagnostic", "Graph", "Module", "NascError", "Node", "TensorType", "digest"), "ir"),
    **dict.fromkeys(("cost", "inline", "parse_pipeline"), "passes"),
    "Predictor": "predictor",
    "check": "ir",
}
_NAMES = {"check": "checked"}


def __getattr__(name: str) -> object:
    """Load what holds a public name: a room, or something of one."""
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})
