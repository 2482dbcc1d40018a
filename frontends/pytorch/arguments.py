"""Arguments of the model that a source names: what they name in the user's file, whether they fit, and which would."""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

from torch import nn

from ...ir import NascError, did_you_mean
from ..source import Reference, Source
from .userfile import told

HARMLESS = (nn.Module, Namespace, SimpleNamespace)
"""Classes that may be called by a name with dots, of whatever module the file imports."""


def resolved(source: Source, module: ModuleType) -> Source:
    """Return a source whose arguments are values: names are looked up in the file, its classes called.

    Nothing is evaluated: what a name means is read from the module, and only classes are called. Raises NascError
    where there is no such name, or where it cannot be called.
    """
    positional, keyword = _values(source.positional, source.keyword, module, source)
    return replace(source, positional=positional, keyword=keyword)


def _values(
    positional: tuple[object, ...], keyword: Mapping[str, object], module: ModuleType, source: Source
) -> tuple[tuple[object, ...], Mapping[str, object]]:
    named = {name: _value(item, module, source) for name, item in keyword.items()}
    return tuple(_value(item, module, source) for item in positional), MappingProxyType(named)


def _value(item: object, module: ModuleType, source: Source) -> object:
    if not isinstance(item, Reference):
        return item
    found = _meant(item, module, source)
    if not item.called:
        return found
    if not isinstance(found, type) or ("." in item.name and not issubclass(found, HARMLESS)):
        raise NascError.of(
            f"the argument {item.name}(...) does not call a class of {source.place}",
            "call a class that the file names, a layer of nn or argparse.Namespace, or write a function build_model()",
            "arguments",
        )
    positional, keyword = _values(item.positional, item.keyword, module, source)
    return built(found, item.name, source, positional, keyword)


def _meant(item: Reference, module: ModuleType, source: Source) -> Any:
    """Return what a name, with dots through modules and classes, means in the file."""
    found: Any = module
    for part in item.name.split("."):
        inside = vars(found) if isinstance(found, ModuleType | type) else {}
        if part.startswith("_") or part not in inside:
            names = [name for name in inside if not name.startswith("_")]
            hint = did_you_mean(part, names) if names else ""
            raise NascError.of(f"{source.place} has no {item.name!r}", hint, "arguments")
        found = getattr(found, part)
    return found


def built(
    value: Callable[..., Any], name: str, source: Source, positional: tuple[object, ...], keyword: Mapping[str, object]
) -> Any:
    """Return what a class or function of the file makes of arguments. Raises NascError where they do not fit."""
    try:
        inspect.signature(value).bind(*positional, **keyword)
    except TypeError as error:
        hint = f"it is {name}{inspect.signature(value)}"
        raise NascError.of(f"{name} cannot be built: {error}", hint, "arguments") from None
    except ValueError:  # it says nothing of its arguments
        pass
    with told(Path(source.place).resolve(), f"{name} cannot be built"):
        return value(*positional, **keyword)


def needs(value: object) -> tuple[str, ...]:
    """Return the names of the arguments that a class or function must be given."""
    return tuple(parameter.name for parameter in _needed(value))


def _needed(value: object) -> list[inspect.Parameter]:
    if isinstance(value, nn.Module) or not callable(value):
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:
        return []
    return [p for p in parameters if p.default is p.empty and p.kind not in optional]


def suggested(value: object, module: ModuleType) -> str:
    """Return the arguments that something must be given, as text: ``width=..., config=GPTConfig()``.

    A class of the file stands for an argument that is annotated with it, or whose name ends the class's.
    """
    return ", ".join(f"{parameter.name}={_suggestion(parameter, module)}" for parameter in _needed(value))


def _suggestion(parameter: inspect.Parameter, module: ModuleType) -> str:
    stated = (
        parameter.annotation if isinstance(parameter.annotation, str) else getattr(parameter.annotation, "__name__", "")
    )
    plain = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and not issubclass(value, nn.Module) and not needs(value) and name[0] != "_"
    }
    fitting = [name for name in plain if name == stated] or [
        name
        for name, value in plain.items()
        if name.lower().endswith(parameter.name.lower()) and value.__module__ != "builtins"
    ]
    return f"{fitting[0]}()" if len(fitting) == 1 else "..."
