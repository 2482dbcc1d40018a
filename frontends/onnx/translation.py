"""The walk over an ONNX graph: each node folded to numbers, lowered by its rule, or taken apart as a function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto

from ...ir import Builder, Diagnostic, Expr, Loc, NascError, Op, counted
from ..pytorch.state import encode
from .folding import MAX_TEXT, fold
from .functions import standard_function
from .places import key_text, loc_of, metadata, notes_of, path_of, scopes_of, unsupported
from .reading import MAX_DEPTH, MAX_NODES, Functions, domain, functions_of, opset_of, show_node
from .rules import RULES
from .site import Made, Site, sequence_of
from .tensors import Array, read_tensor, to_torch
from .values import Value, number_of, plain

# What exporters call numbers of the code that they store as initializers.
_LIFTED = re.compile(r"val_\d+$|_?val_\d+|onnx::|/|scalar_tensor|_to_copy|.*[Cc]onst")


class UseFunctionError(Exception):
    """A rule leaves a case to the function that defines the operator."""


@dataclass
class Frame:
    """One graph or function body while it is walked over: its values, opset, and the attributes of its call."""

    opset: int
    values: dict[str, Value] = field(default_factory=lambda: dict[str, Value]())
    bound: dict[str, AttributeProto] = field(default_factory=lambda: dict[str, AttributeProto]())
    depth: int = 0
    outer: Frame | None = None
    path: str = ""

    def find(self, name: str) -> Value:
        """Return a value, also of the graphs around. Raises NascError where there is none."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.outer
        raise NascError.of(f"nothing makes {name!r}", "it must be made before it is read", "undefined-value")


class Translation:
    """The state of lowering one model: the graph under construction, its weights, and what went wrong."""

    def __init__(self, model: ModelProto, folder: Path | None, place: str, known: bool) -> None:
        """Start with the functions of a model; ``place`` is the file that errors name.

        ``known`` says whether the names of its initializers are kept for their numbers.
        """
        self._known = known
        self.builder = Builder("main")
        self.functions: Functions = functions_of(model)
        self.opset = opset_of(model, place)
        self.folder = folder
        self.place = place
        self.arrays: dict[str, Array] = {}
        self.stored: dict[str, Array] = {}
        self.scopes: dict[str, str] = {}
        self.missing: dict[str, list[str]] = {}
        self.problems: list[Diagnostic] = []
        self._made: dict[int, tuple[Value, str]] = {}
        self._keys: set[str] = set()
        self._count = 0
        self.derived: dict[tuple[object, ...], Value] = {}

    def initializers(self, graph: GraphProto, frame: Frame) -> None:
        """Read the tensors of a graph. Raises NascError where one is not what it claims."""
        for tensor in graph.initializer:
            array = read_tensor(tensor, self.folder, f"initializer {tensor.name!r}")
            trained = (
                array.dtype.kind in "fVc" and array.ndim > 0 and not (array.size == 1 and _LIFTED.match(tensor.name))
            )
            if self._known:
                self.stored.setdefault(key_text(tensor.name), array)
            frame.values[tensor.name] = Value(array=array, key=tensor.name, trained=trained)
        if graph.sparse_initializer:
            name = graph.sparse_initializer[0].values.name
            raise NascError.of(f"initializer {name!r} is sparse", "store it as a dense tensor", "unsupported")

    def walk(self, nodes: Sequence[NodeProto], frame: Frame) -> None:
        """Lower nodes in order; problems are kept, and what depends on them left out."""
        for index, node in enumerate(nodes):
            self._count += 1
            if self._count > MAX_NODES:
                hint = f"expected at most {MAX_NODES} when functions and branches are written out"
                raise NascError.of("the model has too many nodes", hint, "limit", Loc(self.place))
            self._node(node, show_node(node, index), frame)

    def materialise(self, value: Value) -> str:
        """Return a value of the IR, a constant or a parameter for one that is known. Raises NascError."""
        if value.array is None:
            if value.broken:
                raise NascError.of("a value is read that could not be made", "see the other errors", "broken")
            return value.name
        if id(value) not in self._made:
            self._made[id(value)] = value, self._constant(value, plain(value.array))
        return self._made[id(value)][1]

    def add(self, site: Site, op: Op, operands: tuple[str, ...]) -> tuple[str, ...]:
        """Add a node in the place of an ONNX node."""
        before = len(self.builder.nodes)
        made = self.builder.add(op, operands, path=site.path, loc=site.loc)
        long = [d for name in made for d in self.builder.types[name].shape if isinstance(d, Expr)]
        if any(len(str(size)) > MAX_TEXT for size in long):
            raise NascError.of(f"{op.name} makes sizes that are too long to write down", "give --input", "limit")
        if site.notes:
            self.builder.nodes[before] = replace(self.builder.nodes[before], notes=site.notes)
        return made

    def weight_key(self, stem: str, array: Array) -> str:
        """Return a key for a tensor that no other has, and that is no prefix of another.

        The name of an initializer is the key of its own numbers only: what is computed from them has another, so that
        the file's tensors are never loaded in its place.
        """
        stem = key_text(stem) or "constant"
        name, count = stem, 0
        while name in self._keys or not self._is_stored(name, array):
            count += 1
            name = f"{stem}_{count}"
        parts = name.split(".")
        self._keys.update(".".join(parts[: i + 1]) for i in range(len(parts)))
        return name

    def _is_stored(self, name: str, array: Array) -> bool:
        """Return whether numbers are those that the file has under a name, if it has any, in whatever shape."""
        stored = self.stored.get(name, array)
        return stored is array or np.array_equal(stored.reshape(-1), array.reshape(-1))

    def _constant(self, value: Value, array: Array) -> str:
        type = Value(array=array).known_type
        if array.dtype == object:
            raise NascError.of(
                f"the symbolic sizes {', '.join(map(str, array.reshape(-1)[:4]))} are used as data",
                "nasc computes sizes only to make shapes of them; give --input to fix them",
                "symbolic-data",
            )
        number = number_of(array) if array.size else None
        if not value.trained and number is None and array.size > 1 and (array == array.reshape(-1)[0]).all():
            number = number_of(array.reshape(-1)[:1])
        if number is not None and not (value.trained and array.ndim):
            return self.builder("full", shape=type.shape, value=number, dtype=type.dtype)
        key = self.weight_key(value.key, array)
        self.arrays[key] = array
        if value.trained:
            return self.builder("parameter", name=key, key=key, shape=type.shape, dtype=type.dtype)
        data = encode(to_torch(array)) if array.nbytes < 2**24 else ""
        return self.builder(
            "constant", name=key, key=key, shape=type.shape, dtype=type.dtype, persistent=False, data=data
        )

    def _node(self, node: NodeProto, shown: str, frame: Frame) -> None:
        props = metadata(node)
        path = path_of(node, props) or frame.path
        loc = loc_of(props)
        try:
            inputs = tuple(frame.find(name) if name else None for name in node.input)
            site = Site(self, frame, node, inputs, frame.opset, path, loc, notes_of(props), _bound(node, frame))
            self.scopes.update(scopes_of(props))
            made = self._made_by(site, shown)
        except NascError as error:
            self.problems += [
                replace(d, where=d.where or Loc(self.place), node=shown, path=path, source=loc, graph="")
                for d in error.diagnostics
            ]
            made = None
        broken = Value(broken=True)
        if made is not None and any(node.output[len(made) :]):
            message = f"{node.op_type} has {counted(len(node.output), 'output')}, not {len(made)}"
            self.problems.append(Diagnostic(message, "", "outputs", Loc(self.place), node=shown, path=path))
        for i, name in enumerate(node.output):
            if name:
                frame.values[name] = made[i] if made is not None and i < len(made) else broken

    def _made_by(self, site: Site, shown: str) -> tuple[Value, ...] | None:
        """Return the results of a node; None where it or what it reads could not be lowered."""
        node = site.node
        broken = any(value is not None and value.broken for value in site.inputs)
        own = self.functions.get((domain(node.domain), node.op_type))
        if own is not None:
            return None if broken else self._call(own, site, site.path)
        rule = RULES.get(node.op_type) if not domain(node.domain) else None
        if broken:
            if rule is None and standard_function(site) is None:
                self._miss(site, shown)
            return None
        folded = fold(site) if rule is not None or not domain(node.domain) else None
        if folded is not None:
            return folded
        try:
            if rule is not None:
                return tuple(self._value(one) for one in sequence_of(rule(site)))
        except UseFunctionError:
            pass
        except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as error:
            hint = "the model may be damaged; if onnx.checker accepts it, please report it"
            raise unsupported(f"{site.op} cannot be lowered as it stands here: {error}", hint) from None
        return self._as_function(site, shown)

    def _as_function(self, site: Site, shown: str) -> tuple[Value, ...] | None:
        body = standard_function(site)
        if body is None:
            self._miss(site, shown)
            return None
        return self._call(body, site, site.path)

    def _miss(self, site: Site, shown: str) -> None:
        name = f"{site.node.domain}.{site.op}" if domain(site.node.domain) else site.op
        self.missing.setdefault(name[:200], []).append(shown)

    @staticmethod
    def _value(made: Made) -> Value:
        return made if isinstance(made, Value) else Value(name=made)

    def _call(self, body: FunctionProto, site: Site, path: str) -> tuple[Value, ...]:
        """Return the results of a function, its body lowered in the place of the call."""
        depth = site.frame.depth + 1
        if depth > MAX_DEPTH:
            raise NascError.of(f"functions call each other deeper than {MAX_DEPTH}", "a function calls itself", "limit")
        bound = {one.name: one for one in body.attribute_proto} | site.attributes
        opset = site.frame.opset
        if body.opset_import:
            opset = next((one.version for one in body.opset_import if not domain(one.domain)), opset)
        inner = Frame(opset, {}, bound, depth, None, path)
        absent = [name for i, name in enumerate(body.input) if not site.has(i)]
        inner.values.update((name, site.input(i)) for i, name in enumerate(body.input) if site.has(i))
        self.walk([_without(node, absent) for node in body.node] if absent else body.node, inner)
        none = Value(broken=True)
        return tuple(inner.find(name) if site.wants(i) else none for i, name in enumerate(body.output))

    def branch(self, graph: GraphProto, frame: Frame, given: Sequence[Value] = ()) -> tuple[Value, ...]:
        """Return the outputs of a graph in an attribute, lowered in the place of its node."""
        if frame.depth >= MAX_DEPTH:
            raise NascError.of(f"graphs nest deeper than {MAX_DEPTH}", "", "limit")
        inner = Frame(frame.opset, {}, frame.bound, frame.depth + 1, frame, frame.path)
        inner.values.update((formal.name, actual) for formal, actual in zip(graph.input, given, strict=False))
        self.initializers(graph, inner)
        self.walk(graph.node, inner)
        return tuple(inner.find(value.name) for value in graph.output)


def _bound(node: NodeProto, frame: Frame) -> dict[str, AttributeProto]:
    """Return the attributes of a node, those of the call in place of references to them."""
    found: dict[str, AttributeProto] = {}
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            found[attribute.name] = attribute
        elif attribute.ref_attr_name in frame.bound:
            found[attribute.name] = frame.bound[attribute.ref_attr_name]
    return found


def _without(node: NodeProto, absent: Sequence[str]) -> NodeProto:
    """Return a node of a body with inputs that the call leaves out left out."""
    if not any(name in absent for name in node.input):
        return node
    new = NodeProto()
    new.CopyFrom(node)
    for i, name in enumerate(new.input):
        if name in absent:
            new.input[i] = ""
    return new
