"""Finding the model that a source names, building it, and finding what it takes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ...ir import NascError, TensorType, did_you_mean
from ..frameworks import is_keras_layer, is_keras_model, is_tensorflow_function, make_way
from ..keras.runtime import seeded, torch_backend
from ..lowered import Lowered
from ..source import Source
from .arguments import built, needs, resolved, suggested
from .capture import quiet
from .examples import example_inputs
from .lowering import lower_model
from .suggestions import tensors
from .transformers_zoo import build_transformers
from .userfile import imported
from .zoo import build_timm, build_torchvision

BUILDERS = {"timm": build_timm, "torchvision": build_torchvision, "transformers": build_transformers}


@dataclass(frozen=True)
class Candidate:
    """Something in a file that is a model or makes one.

    ``needs`` are the arguments that it must be given, ``example`` is how these may be written.
    """

    name: str
    value: Any
    needs: tuple[str, ...] = ()
    example: str = ""

    def command(self, place: str) -> str:
        """Return the command that lowers it."""
        if not self.needs:
            return f"nasc lower {place}:{self.name}"
        return f"nasc lower '{place}:{self.name}({self.example})'"


def lower_found(source: Source, types: tuple[TensorType, ...], data: str | None) -> Lowered:
    """Return the model of a Python file or library, lowered. Raises NascError with the commands that would work."""
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        if source.kind == "python":
            make_way(source.place)
            with torch_backend(), seeded(), imported(source.place) as module:
                torch.manual_seed(0)
                named = getattr(module, source.name, None)
                if is_tensorflow_function(named):
                    from ..tensorflow import lower_function

                    return lower_function(named, types, source.text)
                model = find_model(module, source)
                if is_keras_model(model):
                    from ..keras.found import lower_found as lower_keras_found

                    return lower_keras_found(module, model, types, source)
                inputs = tensors(types) if types else example_inputs(module, model, source, data)
                return lower_model(model, inputs, dynamic_batch=True, source=source.text)
        model, default = BUILDERS[source.kind](source)
        return lower_model(model, tensors(types or default), dynamic_batch=True, source=source.text)


def find_model(module: ModuleType, source: Source) -> nn.Module:
    """Return the model that a source names in a file, or the one that it must mean."""
    found = _candidates(module)
    if not source.name:
        return _build(_only(module, found, source), source)
    if not hasattr(module, source.name):
        hint = did_you_mean(source.name, [c.name for c in found]) or "the file defines no model"
        raise NascError.of(f"{source.place} has no {source.name!r}", hint, "no-model")
    value = getattr(module, source.name)
    if source.called:
        return _build(Candidate(source.name, value), resolved(source, module))
    return _build(_candidate(source.name, value, module), source)


def _candidate(name: str, value: object, module: ModuleType) -> Candidate:
    return Candidate(name, value, needs(value), suggested(value, module))


def _candidates(module: ModuleType) -> list[Candidate]:
    """Return the public models, classes of models defined here, and build_model, in the file's order."""
    found: list[Candidate] = []
    for name, value in vars(module).items():
        if name.startswith("_") or is_keras_layer(value):
            continue
        if isinstance(value, nn.Module) and all(value is not c.value for c in found):
            found.append(Candidate(name, value))
        elif (_is_class(value) and value.__module__ == module.__name__) or (name == "build_model" and callable(value)):
            found.append(_candidate(name, value, module))
    return found


def _is_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module) and "forward" in dir(value)


def _only(module: ModuleType, found: list[Candidate], source: Source) -> Candidate:
    """Return the one candidate that is meant: an instance, else build_model, else a class that none here uses."""
    instances = [c for c in found if isinstance(c.value, nn.Module)]
    builders = [c for c in found if c.name == "build_model" and not c.needs]
    classes = [c for c in found if isinstance(c.value, type) and not c.needs]
    if len(classes) > 1:
        used = _used_names(module, {c.name for c in classes})
        classes = [c for c in classes if c.name not in used] or classes
    for group in (instances, builders, classes):
        if len(group) == 1:
            return group[0]
        if group:
            raise _ambiguous(source, group)
    used = _used_names(module, {c.name for c in found})
    raise _none(source, [c for c in found if c.name not in used] or found)


def _used_names(module: ModuleType, names: set[str]) -> set[str]:
    """Return the names that a class or function of the file mentions outside the definition of that name."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    used: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            inside = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
            used |= (inside & names) - {statement.name}
    return used


def _ambiguous(source: Source, group: list[Candidate]) -> NascError:
    names = ", ".join(c.name for c in group)
    commands = "\n".join(f"    {c.command(source.place)}" for c in group)
    return NascError.of(f"{source.place} has {len(group)} models: {names}", f"name one:\n{commands}", "several-models")


def _none(source: Source, found: list[Candidate]) -> NascError:
    if not found:
        return NascError.of(
            f"{source.place} defines no model",
            "expected an nn.Module class, an instance, or a function build_model()",
            "no-model",
        )
    commands = "\n".join(f"    {c.command(source.place)}" for c in found)
    return NascError.of(
        f"no model of {source.place} can be built without arguments",
        f"give them:\n{commands}\n    or write a function build_model() that returns the model into the file",
        "needs-arguments",
    )


def _build(candidate: Candidate, source: Source) -> nn.Module:
    value = candidate.value
    if isinstance(value, nn.Module):
        if source.called:
            raise NascError.of(
                f"{candidate.name} is a model already, it takes no arguments",
                f"write nasc lower {source.place}:{candidate.name}",
                "arguments",
            )
        return value
    if not callable(value):
        raise NascError.of(
            f"{candidate.name} is {type(value).__name__}, not a model",
            "expected an nn.Module class, an instance, or a function that returns one",
            "no-model",
        )
    if candidate.needs:
        raise NascError.of(
            f"{candidate.name} needs {', '.join(candidate.needs)}",
            f"write {candidate.command(source.place)}",
            "needs-arguments",
        )
    made = built(value, candidate.name, source, source.positional, source.keyword)
    if not isinstance(made, nn.Module):
        raise NascError.of(
            f"{candidate.name}() returned {type(made).__name__}, not a model",
            "expected an nn.Module",
            "no-model",
        )
    return made
