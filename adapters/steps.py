"""A torch.fx graph lowered so that every node of the IR says which node of the graph it belongs to.

Each node of the graph becomes a module of its own, below the modules that it was traced in, and the whole is lowered
like any model. The path of a node of the IR then names the step, and the step the node of the graph.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_arg

from ..frontends import lower
from ..ir import Diagnostic, Loc, Module, NascError, Node


@dataclass(frozen=True)
class Traced:
    """A lowered graph and the name of the graph's node for each path of a step."""

    module: Module
    steps: Mapping[str, str]

    def node_of(self, node: Node) -> str:
        """Return the name of the graph's node that a node of the IR belongs to; "" for none."""
        path = node.path or str(node.op.attributes().get("key", ""))
        while path:
            if path in self.steps:
                return self.steps[path]
            path = path.rpartition(".")[0]
        return ""

    def parts(self) -> dict[str, list[str]]:
        """Return the values of the IR by the name of the graph's node that they belong to."""
        parts: dict[str, list[str]] = {}
        for node in self.module.main.nodes:
            name = self.node_of(node)
            if name:
                parts.setdefault(name, []).append(node.name)
        return parts


def lower_graph(graph_module: fx.GraphModule, inputs: tuple[Any, ...]) -> Traced:
    """Return a graph as a module. Raises NascError, each finding with the node of the graph it is about."""
    steps = Steps(graph_module)
    try:
        lowered = lower(steps, *inputs)
    except NascError as error:
        raise NascError(*(_at(d, steps.paths) for d in error.diagnostics)) from None
    return Traced(lowered.module, MappingProxyType(steps.paths))


def _at(diagnostic: Diagnostic, paths: Mapping[str, str]) -> Diagnostic:
    name = paths.get(diagnostic.path, "")
    where = Loc(f"torch.fx node {name}") if name else diagnostic.where
    return Diagnostic(diagnostic.message, diagnostic.hint, diagnostic.code, where, path=diagnostic.path)


class Steps(nn.Module):
    """Runs a graph node by node, each in a module of its own."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        """Make the modules; weights are shared with the graph's."""
        super().__init__()
        self._nodes = tuple(graph_module.graph.nodes)
        self._paths: dict[str, str] = {}
        self._seen = {id(graph_module)}
        self._calls: dict[str, nn.Module] = {}
        for node in self._nodes:
            if node.op in ("call_module", "call_function", "call_method", "get_attr"):
                self._add(node, self._step(node, graph_module))

    @property
    def paths(self) -> dict[str, str]:
        """The name of the graph's node for each path of a step."""
        return self._paths

    def forward(self, *inputs: Any) -> Any:
        """Return what the graph returns."""
        values: dict[str, Any] = {}
        waiting = iter(inputs)
        for node in self._nodes:
            args, kwargs = map_arg((node.args, node.kwargs), lambda used: values[used.name])
            if node.op == "placeholder":
                values[node.name] = next(waiting, *args)
            elif node.op == "output":
                return args[0]
            else:
                values[node.name] = self._calls[node.name](*args, **kwargs)
        return None

    def _step(self, node: fx.Node, graph_module: fx.GraphModule) -> nn.Module:
        if node.op == "call_function":
            return _Function(_callable(node))
        if node.op == "call_method":
            return _Function(_method(str(node.target)))
        if node.op == "get_attr":
            return _Attribute(_attribute(graph_module, str(node.target)))
        module = graph_module.get_submodule(str(node.target))
        if id(module) in self._seen:
            return copy.copy(module)
        self._seen.add(id(module))
        return module

    def _add(self, node: fx.Node, step: nn.Module) -> None:
        path = str(node.target) if node.op == "call_module" else ".".join((*_scope(node), _word(node)))
        count, unique = 0, path
        while unique in self._paths or self._has(unique):
            count += 1
            unique = f"{path}_{count}"
        self._paths[unique] = node.name
        self._calls[node.name] = step
        *above, last = unique.split(".")
        parent: nn.Module = self
        classes = _classes(node)
        for depth, part in enumerate(above, 1):
            if part not in parent._modules:
                parent.add_module(part, type(classes.get(".".join(above[:depth]), "Part"), (nn.Module,), {})())
            parent = parent.get_submodule(part)
        parent.add_module(last, step)

    def _has(self, path: str) -> bool:
        try:
            self.get_submodule(path)
        except AttributeError:
            return False
        return True


class _Function(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class _Attribute(nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
            self.register_buffer("value", value)
        else:
            self.value = value

    def forward(self) -> Any:
        return self.value


def _callable(node: fx.Node) -> Callable[..., Any]:
    assert callable(node.target)
    return node.target


def _method(name: str) -> Callable[..., Any]:
    return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def _attribute(root: nn.Module, target: str) -> Any:
    above, _, last = target.rpartition(".")
    return getattr(root.get_submodule(above), last)


def _stack(node: fx.Node) -> list[tuple[str, str]]:
    """Return the modules that a node was traced in, outermost first: path and name of the class."""
    stack: list[tuple[str, str]] = []
    for path, cls in (node.meta.get("nn_module_stack") or {}).values():
        name = cls if isinstance(cls, str) else cls.__name__
        plain = str(path).removeprefix("L['self'].").partition("@")[0]
        if plain and all(part.isidentifier() or part.isdecimal() for part in plain.split(".")):
            stack.append((plain, name.rpartition(".")[2]))
    return stack


def _scope(node: fx.Node) -> tuple[str, ...]:
    stack = _stack(node)
    return tuple(stack[-1][0].split(".")) if stack else ()


def _classes(node: fx.Node) -> dict[str, str]:
    return dict(_stack(node))


def _word(node: fx.Node) -> str:
    """Return a name for a function: the same for the same function, wherever it is called."""
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "step")
    word = "".join(letter if letter.isalnum() else "_" for letter in target.rpartition(".")[2])
    return f"{word}_" if not word or word[0].isdigit() or hasattr(nn.Module, word) else word
