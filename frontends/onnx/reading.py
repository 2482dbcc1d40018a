"""Reading of ONNX files: bytes become a model of known version and sound structure, or an error that says where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto

from ...ir import Diagnostic, Loc, NascError, did_you_mean
from .tensors import newest_opset

OLDEST_OPSET = 13
MAX_BYTES = 2**31
MAX_NODES = 200_000
MAX_DEPTH = 48
STANDARD = ("", "ai.onnx")
Functions = dict[tuple[str, str], FunctionProto]


def read_model(path: Path) -> ModelProto:
    """Return the model of a file. Raises NascError where the file is no ONNX model."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        hint = "an ONNX file has at most 2 GiB; larger weights are kept beside it"
        raise NascError.of(f"{path} has {size} bytes", hint, "onnx", Loc(str(path)))
    try:
        return parse_model(path.read_bytes(), str(path))
    except OSError as error:
        raise NascError.of(f"cannot read {path}: {error.strerror}", "", "no-file", Loc(str(path))) from error


def parse_model(data: bytes, place: str) -> ModelProto:
    """Return the model that bytes hold. Raises NascError where they hold none."""
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RuntimeError) as error:
        detail = str(error).split("\n")[0][:200]
        hint = "expected what onnx.save writes; the file may be cut short"
        raise NascError.of(f"not an ONNX model: {detail}", hint, "onnx", Loc(place)) from None
    if not model.HasField("graph") or (not model.graph.node and not model.graph.output):
        hint = "expected what onnx.save writes"
        raise NascError.of("not an ONNX model: it has no graph", hint, "onnx", Loc(place))
    wrong = next((text for text in _names(model) if not isinstance(text, str)), None)
    if wrong is not None:
        raise NascError.of(f"the name {wrong!r:.80} is not text", "the file may be damaged", "onnx", Loc(place))
    return model


def _names(model: ModelProto) -> Iterator[object]:
    """Yield every name of a model: one that is not UTF-8 comes as bytes."""
    waiting: list[GraphProto | FunctionProto] = [model.graph, *model.functions]
    yield from (one.domain for one in model.opset_import)
    while waiting:
        top = waiting.pop()
        if isinstance(top, GraphProto):
            yield from (one.name for part in (top.input, top.output, top.initializer) for one in part)
            yield from (axis.dim_param for one in top.input for axis in one.type.tensor_type.shape.dim)
        else:
            yield from (top.name, top.domain, *top.input, *top.output, *top.attribute)
        for node in top.node:
            yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
            yield from (text for one in node.attribute for text in (one.name, one.ref_attr_name))
            yield from (text for entry in node.metadata_props for text in (entry.key, entry.value))
            waiting += subgraphs(node)


def opset_of(model: ModelProto, place: str) -> int:
    """Return the version of the standard operators. Raises NascError where it is not one that nasc reads.

    A model of an older opset is read where none of its operators has changed up to the oldest that nasc reads.
    """
    newest = newest_opset()
    version = next((one.version for one in model.opset_import if one.domain in STANDARD), None)
    wanted = f"expected {OLDEST_OPSET} to {newest}"
    if version is None:
        raise NascError.of("the model does not say which opset it uses", wanted, "opset", Loc(place))
    if version < OLDEST_OPSET:
        changed = sorted({node.op_type for node in model.graph.node if _changed(node, version)})
        if not changed and version > 0 and not model.functions:
            return OLDEST_OPSET
        hint = f"{wanted}; onnx.version_converter.convert_version brings it to {OLDEST_OPSET}"
        since = f", and {', '.join(changed[:8])} changed since then" if changed else ""
        raise NascError.of(f"the model uses opset {version}{since}", hint, "opset", Loc(place))
    if version > newest:
        raise NascError.of(
            f"the model uses opset {version}", f"{wanted}; a newer onnx may know it", "opset", Loc(place)
        )
    return int(version)


def _changed(node: NodeProto, version: int) -> bool:
    """Return whether an operator of an old opset means something else in the oldest that nasc reads."""
    try:
        return onnx.defs.get_schema(node.op_type, OLDEST_OPSET, domain(node.domain)).since_version > version
    except onnx.defs.SchemaError:
        return domain(node.domain) == ""


def functions_of(model: ModelProto) -> Functions:
    """Return the functions of a model by domain and name."""
    return {(domain(one.domain), one.name): one for one in model.functions}


def check_expansion(model: ModelProto, place: str) -> None:
    """Raise NascError where functions call themselves, or have too many nodes when they are written out."""
    functions = functions_of(model)
    bodies = {key: list(_flat(one.node)) for key, one in functions.items()}
    sizes: dict[tuple[str, str], int] = {}
    for _ in range(MAX_DEPTH):
        ready = {k: b for k, b in bodies.items() if all(c in sizes or c not in functions for c in b)}
        sizes |= {key: sum(sizes.get(callee, 1) for callee in body) for key, body in ready.items()}
        bodies = {key: body for key, body in bodies.items() if key not in ready}
    if bodies:
        name = next(iter(bodies))[1]
        message = f"functions call each other deeper than {MAX_DEPTH}, or in a circle: {name}"
        raise NascError.of(message, "a function must not call itself", "limit", Loc(place))
    total = sum(sizes.get(callee, 1) for callee in _flat(model.graph.node))
    if total > MAX_NODES:
        hint = f"expected at most {MAX_NODES} when functions and branches are written out"
        raise NascError.of(f"the model has {total} nodes", hint, "limit", Loc(place))


def _flat(nodes: Sequence[NodeProto]) -> Iterator[tuple[str, str]]:
    """Yield what nodes and those of their branches apply."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield domain(node.domain), node.op_type
        for graph in subgraphs(node):
            waiting += graph.node


def domain(name: str) -> str:
    """Return a domain, "" for the standard one."""
    return "" if name in STANDARD else name


def show_node(node: NodeProto, index: int) -> str:
    """Return what people call a node: its name, else its number and first output."""
    if node.name:
        return node.name
    return f"{node.op_type} number {index}" + (f" -> {node.output[0]}" if node.output else "")


def check_structure(graph: GraphProto, place: str) -> None:
    """Raise NascError with every value of a graph that is defined twice or not at all, or too late."""
    found = list(_problems(graph.node, _given(graph), [value.name for value in graph.output], place))
    if found:
        raise NascError(*found)


def _given(graph: GraphProto) -> set[str]:
    sparse = {tensor.values.name for tensor in graph.sparse_initializer}
    return {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer} | sparse | {""}


def _problems(nodes: Sequence[NodeProto], given: set[str], outputs: Sequence[str], place: str) -> Iterator[Diagnostic]:
    made = {name for node in nodes for name in node.output}
    seen = set(given)
    for index, node in enumerate(nodes):
        shown = show_node(node, index)
        late = [name for name in node.input if name not in seen]
        twice = [name for name in node.output if name and name in seen]
        yield from (_undefined(name, made, given | made, f"node {shown}", shown, place) for name in late)
        yield from (_doubled(name, shown, place) for name in twice)
        seen.update(node.output)
    yield from (_undefined(name, set(), seen, "the graph returns", "", place) for name in outputs if name not in seen)
    if not outputs:
        yield Diagnostic("the graph returns nothing", "name its outputs", "no-output", Loc(place))


def _doubled(name: str, node: str, place: str) -> Diagnostic:
    message = f"node {node} makes {name!r}, which is there already"
    return Diagnostic(message, "give each value its own name", "duplicate-value", Loc(place), node=node)


def _undefined(name: str, made: set[str], known: set[str], who: str, node: str, place: str) -> Diagnostic:
    verb = "" if who == "the graph returns" else " reads"
    if name in made:
        hint = "nodes must stand in order; a cycle has none"
        return Diagnostic(f"{who}{verb} {name!r} before it is made", hint, "cycle", Loc(place), node=node)
    hint = did_you_mean(name, known) if len(known) < 2000 else "an initializer or an input may be missing"
    return Diagnostic(f"{who}{verb} {name!r}, which nothing makes", hint, "undefined-value", Loc(place), node=node)


def subgraphs(node: NodeProto) -> list[GraphProto]:
    """Return the graphs in the attributes of a node."""
    return [a.g for a in node.attribute if a.type == AttributeProto.GRAPH] + [
        g for a in node.attribute if a.type == AttributeProto.GRAPHS for g in a.graphs
    ]
