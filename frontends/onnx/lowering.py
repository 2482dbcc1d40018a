"""Lowering of ONNX models: the public function of this folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from onnx import GraphProto, ModelProto, ValueInfoProto

from ...ir import Diagnostic, Dim, Graph, Loc, Module, NascError, NoteValue, TensorType, counted, symbol
from ...passes import CancelTransposes, Raise
from ..lowered import Lowered
from .adoption import adopt
from .biases import join_biases
from .reading import check_expansion, check_structure, read_model
from .sharing import part_shared
from .tensors import dtype_of, to_torch
from .translation import Frame, Translation
from .values import Value

BATCH = "N"
MAX_DIM = 2**40
_UNFIT = re.compile(r"\W")
T = TypeVar("T")


def lower_model(model: ModelProto | Path, inputs: Sequence[TensorType] = (), *, known: bool = True) -> Lowered:
    """Return an ONNX model as a module. Raises NascError with everything that is wrong with it.

    ``known`` says that somebody has the model's tensors by their names, so that no other numbers may have these.
    """
    place = str(model) if isinstance(model, Path) else "<model>"
    folder = model.parent if isinstance(model, Path) else None
    proto = read_model(model) if isinstance(model, Path) else model
    check_structure(proto.graph, place)
    check_expansion(proto, place)
    translation = Translation(proto, folder, place, known)
    frame = Frame(translation.opset)
    _guarded(lambda: translation.initializers(proto.graph, frame), place)
    _guarded(lambda: _inputs(proto.graph, translation, frame, inputs), place)
    translation.walk(proto.graph.node, frame)
    _raise_problems(translation)
    graph = _guarded(lambda: _finished(proto.graph, translation, frame), place)
    notes: dict[str, NoteValue] = {"framework": "onnx", "opset": translation.opset}
    if isinstance(model, Path):
        notes = {"source": place, **notes}
    return _polished(Module((graph,), graph.name, MappingProxyType(notes)), translation)


def _polished(module: Module, translation: Translation) -> Lowered:
    """Return the module with idioms raised, permutations cancelled, and weights in their layers' hands."""
    raised = CancelTransposes()(Raise()(module)).main
    parted = part_shared(raised, translation.arrays)
    joined = join_biases(parted.graph, parted.arrays)
    adopted = adopt(joined.graph, joined.arrays, translation.stored)
    graph = replace(adopted.graph, scopes=MappingProxyType(dict(translation.scopes)))
    weights = {key: to_torch(array) for key, array in adopted.arrays.items()}
    return Lowered(replace(module, graphs=(graph,)), MappingProxyType(weights))


def _guarded(work: Callable[[], T], place: str) -> T:
    """Return what a step makes. Raises its NascError with the file as place."""
    try:
        return work()
    except NascError as error:
        raise NascError(*(replace(d, where=d.where or Loc(place)) for d in error.diagnostics)) from None


def _finished(graph: GraphProto, translation: Translation, frame: Frame) -> Graph:
    outputs = [translation.materialise(frame.find(value.name)) for value in graph.output]
    return translation.builder.finish(*outputs)


def _inputs(graph: GraphProto, translation: Translation, frame: Frame, given: Sequence[TensorType]) -> None:
    """Add the inputs that no initializer stands for; ``given`` types fix what the file leaves open."""
    formals = [value for value in graph.input if value.name not in frame.values]
    if given and len(given) != len(formals):
        names = ", ".join(value.name for value in formals)
        raise NascError.of(
            f"{counted(len(given), 'input')} given for {len(formals)}", f"the model takes {names}", "inputs"
        )
    symbols: dict[str, Dim] = {}
    for index, value in enumerate(formals):
        type = _type(value, symbols, given[index] if given else None)
        frame.values[value.name] = Value(name=translation.builder.input(value.name, type))


def _type(value: ValueInfoProto, symbols: dict[str, Dim], given: TensorType | None) -> TensorType:
    what = f"input {value.name!r}"
    if not value.type.HasField("tensor_type"):
        raise NascError.of(f"{what} is not a tensor", "nasc has tensors only", "input-type")
    tensor = value.type.tensor_type
    dtype = dtype_of(tensor.elem_type, what)
    if not tensor.HasField("shape"):
        if given is None:
            hint = "give --input, or save the model with shapes"
            raise NascError.of(f"{what} has no shape", hint, "input-type")
        return TensorType(dtype, given.shape)
    dims = tensor.shape.dim
    if given is not None and len(given.shape) != len(dims):
        raise NascError.of(
            f"{what} has {counted(len(dims), 'axis', 'axes')}, not {given}", "give one size an axis", "inputs"
        )
    sizes: list[Dim] = []
    for axis, dim in enumerate(dims):
        wanted = given.shape[axis] if given is not None else None
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            sizes.append(_checked(dim.dim_value, what, wanted))
        else:
            sizes.append(_symbolic(dim.dim_param, axis, symbols, wanted))
    return TensorType(dtype, tuple(sizes))


def _checked(size: int, what: str, wanted: Dim | None) -> int:
    if size > MAX_DIM:
        raise NascError.of(f"{what} has an axis of {size}", f"expected at most {MAX_DIM}", "limit")
    if wanted is not None and wanted != size:
        raise NascError.of(f"{what} has an axis of {size}, not {wanted}", "the model fixes it", "inputs")
    return size


def _symbolic(name: str, axis: int, symbols: dict[str, Dim], wanted: Dim | None) -> Dim:
    """Return an open size: the batch is N, others keep their name, unless ``--input`` fixes them."""
    if axis and wanted is not None:
        return symbols.setdefault(name, wanted) if name else wanted
    if name in symbols:
        return symbols[name]
    taken = {str(one) for one in symbols.values()}
    if axis == 0 and BATCH not in taken:
        made = BATCH
    else:
        made = _UNFIT.sub("_", name)[:40] or "D"
        made = made if made.isidentifier() and made != BATCH else f"D_{made}"
        stem, count = made, 1
        while made in taken or made in ("true", "false", "none", "inf", "nan"):
            made, count = f"{stem}_{count}", count + 1
    size = symbol(made)
    symbols[name or f"?{len(symbols)}"] = size
    return size


def _raise_problems(translation: Translation) -> None:
    missing = [_missing(name, nodes, translation.place) for name, nodes in translation.missing.items()]
    if missing or translation.problems:
        raise NascError(*missing, *translation.problems)


def _missing(name: str, nodes: list[str], place: str) -> Diagnostic:
    shown = ", ".join(nodes[:8]) + (", ..." if len(nodes) > 8 else "")
    times = f" ({len(nodes)} times)" if len(nodes) > 1 else ""
    return Diagnostic(
        f"nasc has no op for {name}{times}: {shown}",
        "write it with operators that nasc has, or as a function of the model",
        "unknown-onnx",
        Loc(place),
        node=nodes[0],
    )
