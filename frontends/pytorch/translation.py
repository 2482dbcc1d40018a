"""The walk over an exported program, call by call, that builds the graph."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx
from torch._ops import OpOverload
from torch.utils import _pytree as pytree

from ...ir import Builder, Diagnostic, Dim, Loc, NascError, Node, Op, TensorType
from .aliasing import Aliases, put_back, viewed
from .aten import RULES
from .folding import fold
from .overloads import Overload, overload
from .places import loc_of, path_of
from .site import Site, Values
from .sizes import Sizes, dtype_of
from .state import State

_INLINED = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
_DROPPED = ("_assert", "sym_constrain_range")


class NotLoweredError(Exception):
    """A value is missing because the node that makes it could not be lowered, which is reported by itself."""


class Translation:
    """Builds a graph from fx nodes; every problem is kept, so that all of them are reported at once."""

    def __init__(self, sizes: Sizes, state: State, owner: fx.GraphModule) -> None:
        """Start a graph for one program; ``owner`` holds its calls and the subgraphs that they may name."""
        self.sizes = sizes
        self.state = state
        self.builder = Builder("main")
        self.missing: dict[str, list[tuple[str, Loc | None]]] = {}
        self.problems: list[Diagnostic] = []
        self.folded: dict[str, torch.Tensor] = {}
        self._owner = owner
        self._called = frozenset(path_of(node) for node in owner.graph.nodes)
        self._values: dict[fx.Node, Values] = {}
        self._same: dict[fx.Node, fx.Node] = {}
        self._emitted: dict[str, str] = {}
        self._aliases = Aliases()
        self._layers: dict[str, tuple[Op, frozenset[str]]] = {}

    def walk(self, graph: fx.Graph) -> list[fx.Node]:
        """Lower every node of a graph and return the nodes that it gives out."""
        for node in graph.nodes:
            if node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                return [leaf for leaf in pytree.tree_leaves(node.args) if isinstance(leaf, fx.Node)]
        return []

    def input(self, node: fx.Node) -> None:
        """Add an input of the model."""
        self._values[node] = self.builder.input(node.name, self.sizes.type(node.meta["val"]))

    def value(self, node: fx.Node) -> str:
        """Return the value of a node. Raises NotLoweredError where its own lowering failed."""
        node = self.resolve(node)
        if self._aliases.stale(node):
            self._call(node)
        found = self._values.get(node)
        if found is None:
            owned = self.state.get(node.name) if node.op == "placeholder" else None
            if owned is None:
                raise NotLoweredError(node.name)
            found = self._values[node] = self._owned(node, owned.key)
        if isinstance(found, tuple) or not found:
            raise NotLoweredError(node.name)
        return found

    def resolve(self, node: fx.Node) -> fx.Node:
        """Return the node that a placeholder of a subgraph stands for."""
        while node in self._same:
            node = self._same[node]
        return node

    def parts(self, node: fx.Node) -> tuple[str, ...]:
        """Return the values of a call that gives several."""
        if self._aliases.stale(node):
            self._call(node)
        found = self._values.get(node)
        if not isinstance(found, tuple):
            raise NotLoweredError(node.name)
        return found

    def written(self, node: fx.Node) -> bool:
        """Return whether a node's memory was written to after it was made."""
        return self._aliases.written(node)

    def constant(self, key: str, value: torch.Tensor, data: str, loc: Loc | None) -> str:
        """Add a constant that carries its values."""
        type = self.sizes.type(value)
        self.folded[key] = value
        return self.builder(
            "constant",
            name=key,
            loc=loc,
            key=key,
            shape=type.shape,
            dtype=type.dtype,
            persistent=False,
            data=data,
        )

    def maker(self, value: str) -> Node | None:
        """Return the node that makes a value; None for inputs."""
        return next((node for node in reversed(self.builder.nodes) if value in node.results), None)

    def layer_path(self, op: Op, caller: str, slots: Mapping[str, fx.Node], extra: tuple[str, ...]) -> str | None:
        """Return the path of the layer whose weights these are; None where they have to be operands.

        A layer that the model calls by its own path is not taken from it by ``caller``, another that borrows its
        weights; nor by a second operation that uses them otherwise.
        """
        pairs = [(slot, self.resolve(node).name) for slot, node in slots.items()]
        path = self.state.layer(pairs, extra) if pairs else None
        if path is None or (path != caller and path in self._called):
            return None
        mine = (op, frozenset(slots))
        return path if self._layers.setdefault(path, mine) == mine else None

    def _owned(self, node: fx.Node, key: str) -> str:
        if key not in self._emitted:
            owned = self.state.get(node.name)
            assert owned is not None
            type = self.sizes.type(owned.tensor)
            self._emitted[key] = (
                self.builder("parameter", name=key, key=key, shape=type.shape, dtype=type.dtype)
                if owned.trained
                else self.builder(
                    "constant",
                    name=key,
                    key=key,
                    shape=type.shape,
                    dtype=type.dtype,
                    persistent=owned.persistent,
                    data=owned.data,
                )
            )
        return self._emitted[key]

    def _call(self, node: fx.Node) -> None:
        if node.target is operator.getitem:
            self._part(node)
        elif isinstance(node.target, OpOverload):
            called = overload(node.target)
            if _makes_tensors(node) and not called.name.startswith(_DROPPED):
                self._overload(node, called)
        elif getattr(node.target, "__name__", "") in _INLINED:
            self._inline(node)
        elif _makes_tensors(node):
            self._miss(node, str(node.target))

    def _overload(self, node: fx.Node, called: Overload) -> None:
        rule = RULES.get(called.name) or RULES.get(called.plain)
        if rule is None:
            value = fold(self, node)
            if value is None:
                self._miss(node, called.name)
            else:
                self._values[node] = value
            return
        try:
            made = rule(self.site(node))
            self._confirm(node, made)
            if called.writes:
                self._write(node, made)
            else:
                self._keep(node, made)
        except NotLoweredError:
            return
        except NascError as error:
            self.problems += error.diagnostics

    def site(self, node: fx.Node) -> Site:
        """Return a call with its arguments and its place in the source."""
        path = path_of(node)
        bound = self._arguments(node, node.target) if isinstance(node.target, OpOverload) else {}
        return Site(self, node, bound, path, loc_of(node, path))

    def _keep(self, node: fx.Node, made: Values) -> None:
        self._values[node] = made
        whole = viewed(node)
        if whole is not None:
            self._aliases.view(node, self.resolve(whole))

    def _subject(self, node: fx.Node) -> fx.Node:
        """Return the first argument of a call."""
        first = node.args[0]
        assert isinstance(first, fx.Node)
        return self.resolve(first)

    def _part(self, node: fx.Node) -> None:
        """Take one result of a call that has several."""
        whole = self._subject(node)
        if self._aliases.stale(whole):
            self._call(whole)
        parts = self._values.get(whole)
        if isinstance(parts, tuple):
            position = node.args[1]
            assert isinstance(position, int)
            if parts[position] or not node.users:
                self._keep(node, parts[position])
            else:
                self._miss(node, f"result {position + 1} of {whole.target}")

    def _write(self, node: fx.Node, made: Values) -> None:
        """Let what an in-place call writes to, and all that this is a part of, mean the new value."""
        target = self._subject(node)
        assert isinstance(made, str)
        self._same[node] = target
        part: Values = made
        steps = self._aliases.wholes(target)
        for view, whole in steps:
            part, whole_value = put_back(self, view, whole, part), part
            self._values[view] = whole_value
        self._values[steps[-1][1] if steps else target] = part
        self._aliases.wrote(target)

    def _arguments(self, node: fx.Node, target: OpOverload) -> dict[str, Any]:
        bound: dict[str, Any] = {}
        for i, argument in enumerate(overload(target).arguments):
            positional = not argument.keyword and i < len(node.args)
            given = node.args[i] if positional else node.kwargs.get(argument.name, argument.default)
            bound[argument.name] = self._plain(given)
        return bound

    def _plain(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            meta = value.meta.get("val")
            return self.sizes.dim(meta) if isinstance(meta, int | torch.SymInt) else value
        if isinstance(value, torch.dtype):
            return dtype_of(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        return value

    def _confirm(self, node: fx.Node, made: Values) -> None:
        """Hold our type of a value to torch's: a difference is a mistake in a rule, better said than passed on."""
        wanted = node.meta["val"]
        pairs = zip(made, wanted, strict=False) if isinstance(made, tuple) else [(made, wanted)]
        for name, tensor in pairs:
            if not name:
                continue
            ours = self.builder.types[name]
            theirs = self.sizes.type(tensor)
            if ours != theirs and not _same_but_for_symbols(ours, theirs):
                path = path_of(node)
                self.problems.append(
                    Diagnostic(
                        f"{node.target} gives {theirs} but was lowered to {ours}",
                        "this is a mistake in nasc: please report it with the model",
                        "lowering",
                        node=name,
                        where=loc_of(node, path),
                        path=path,
                    )
                )

    def _inline(self, node: fx.Node) -> None:
        """Lower the body of a call that only sets a mode (no_grad, autocast) around it."""
        position = next(i for i, arg in enumerate(node.args) if isinstance(arg, fx.Node) and arg.op == "get_attr")
        named = node.args[position]
        assert isinstance(named, fx.Node)
        body = getattr(self._owner, str(named.target))
        formals = [inner for inner in body.graph.nodes if inner.op == "placeholder"]
        for formal, actual in zip(formals, node.args[position + 1 :], strict=False):
            if isinstance(actual, fx.Node):
                self._same[formal] = actual
        outer, self._owner = self._owner, body
        outputs = self.walk(body.graph)
        self._owner = outer
        made = [self._values.get(self.resolve(output)) for output in outputs]
        self._values[node] = tuple(value for value in made if isinstance(value, str))

    def _miss(self, node: fx.Node, name: str) -> None:
        path = path_of(node)
        self.missing.setdefault(name, []).append((path, loc_of(node, path)))


def _makes_tensors(node: fx.Node) -> bool:
    made = node.meta.get("val")
    return isinstance(made, torch.Tensor) or (isinstance(made, list | tuple) and len(made) > 0)


def _same_but_for_symbols(ours: TensorType, theirs: TensorType) -> bool:
    """Return whether two types are equal where both are numbers: torch may simplify a symbolic size otherwise."""

    def agree(a: Dim, b: Dim) -> bool:
        return a == b or not (isinstance(a, int) and isinstance(b, int))

    return (
        ours.dtype is theirs.dtype
        and ours.rank == theirs.rank
        and all(agree(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
    )
