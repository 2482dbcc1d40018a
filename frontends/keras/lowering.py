"""Lowering of a Keras model: layer by layer where every layer is known, else by torch.export."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import keras

from ...ir import Diagnostic, Dim, DType, Module, NascError, TensorType, symbol
from ..lowered import Lowered
from .call import Call
from .export import exported
from .graph import functional_of, is_image, nodes_of, path_of
from .layers import LAYERS, OPERATIONS
from .layout import Value, channels_first, identity, reordered
from .walk import Unsupported, Walk

BATCH = "N"


def lower_model(model: Any, types: Sequence[TensorType], source: str) -> Lowered:
    """Return a Keras model as a module; see ``lower_keras``. Keras has been imported with its torch backend."""
    functional = functional_of(model)
    inputs = _input_types(model, functional, types, source)
    if functional is None:
        return exported(model, inputs, source, _traced(f"{type(model).__name__} has a call of its own", ""))
    walk = Walk()
    try:
        module = _walked(walk, model, functional, inputs, source)
    except Unsupported as reason:
        return exported(model, inputs, source, _traced(reason.what, reason.path))
    return Lowered(module, MappingProxyType(walk.weights), tuple(_moved(module)))


def _traced(what: str, path: str) -> Diagnostic:
    return Diagnostic(
        f"the model was traced by torch.export, its layers named as Keras's torch backend does: {what}",
        "layers of Keras itself are lowered one by one",
        "keras-traced",
        path=path,
        severity="warning",
    )


def _moved(module: Module) -> list[Diagnostic]:
    """Return a remark where the module takes its inputs in another order than Keras."""
    axes = str(module.notes["input_axes"]).split(",")
    found: list[Diagnostic] = []
    for value, order in zip(module.main.inputs, axes, strict=True):
        if order != "".join(map(str, range(len(order)))):
            shape = ",".join(str(value.type.shape[order.index(str(axis))]) for axis in range(len(order)))
            found.append(
                Diagnostic(
                    f"input {value.name} is channels-first: {value.type} where Keras takes [{shape}]",
                    f"permute it by {order}",
                    "channels-first",
                    severity="note",
                )
            )
    return found


def _walked(walk: Walk, model: Any, functional: Any, inputs: Sequence[TensorType], source: str) -> Module:
    taken: list[Value] = []
    for tensor, type in zip(functional.inputs, inputs, strict=True):
        first = is_image(functional, tensor, forward=True)
        order = channels_first(type.rank) if first else identity(type.rank)
        name = walk.builder.input(_input_name(tensor), type.with_shape(*reordered(type.shape, order)))
        taken.append(Value(name, order))
    walk.scopes[""] = type_name(model)
    made = _graph(walk, functional, taken, "")
    outputs: list[Value] = []
    for tensor, value in zip(functional.outputs, made, strict=True):
        first = is_image(functional, tensor, forward=False)
        outputs.append(walk.first(value) if first else walk.plain(value))
    graph = walk.builder.finish(*(value.name for value in outputs), scopes=walk.scopes)
    notes = {
        "framework": "keras",
        "input_axes": ",".join("".join(map(str, value.order)) for value in taken),
        "output_axes": ",".join("".join(map(str, value.order)) for value in outputs),
    }
    return Module((graph,), graph.name, MappingProxyType({"source": source, **notes} if source else notes))


def type_name(model: Any) -> str:
    """Return what a model is called as a scope: its class, or its name where the class says nothing."""
    name = type(model).__name__
    return str(model.name) if name in ("Functional", "Model") else name


def _input_name(tensor: Any) -> str:
    return str(tensor._keras_history.operation.name)


def _graph(walk: Walk, functional: Any, inputs: Sequence[Value], prefix: str) -> list[Value]:
    """Lower every node of a graph and return its outputs."""
    values: dict[int, Any] = {id(t): value for t, value in zip(functional.inputs, inputs, strict=True)}
    for node in nodes_of(functional):
        args, kwargs = node.arguments.fill_in(values)
        made = _applied(walk, node.operation, args, kwargs, prefix)
        values.update((id(t), value) for t, value in zip(node.outputs, made, strict=True))
    return [values[id(tensor)] for tensor in functional.outputs]


def _applied(walk: Walk, layer: Any, args: Sequence[Any], kwargs: dict[str, Any], prefix: str) -> list[Value]:
    path = path_of(prefix, layer)
    call = Call(walk, layer, path, args, kwargs)
    inner = functional_of(layer)
    if inner is not None:
        walk.scopes[path] = type_name(layer)
        return _graph(walk, inner, call.values, path)
    rule = (LAYERS if isinstance(layer, keras.Layer) else OPERATIONS).get(type(layer).__name__)
    if rule is None or not type(layer).__module__.startswith("keras.src."):
        raise Unsupported(f"{type(layer).__name__} is not a layer that nasc knows", path)
    if getattr(layer, "compute_dtype", "float32") != "float32":
        raise Unsupported(f"it computes in {layer.compute_dtype}", path)
    try:
        made = rule(call)
    except NascError as error:
        raise Unsupported(error.diagnostics[0].message, path) from error
    return list(made) if isinstance(made, tuple) else [made]


def _input_types(model: Any, functional: Any, types: Sequence[TensorType], source: str) -> list[TensorType]:
    """Return the inputs as Keras takes them, with the batch N. Raises NascError where sizes are not known."""
    given = [_open(type) for type in types]
    if functional is None:
        if given:
            return given
        if getattr(model, "_build_shapes_dict", None) is None:
            raise _unknown_sizes(source, "the model is not built")
        shapes = list(model._build_shapes_dict.values())
        return [_open(TensorType(DType.F32, _known(shape, source))) for shape in shapes]
    if given and len(given) != len(functional.inputs):
        raise NascError.of(
            f"the model takes {_count(functional.inputs)}, not {len(given)}", "give --input once for each", "inputs"
        )
    own = [_declared(tensor) for tensor in functional.inputs]
    if given:
        for mine, declared in zip(given, own, strict=True):
            _check_fits(mine, declared)
        return [TensorType(d.dtype, g.shape) for g, d in zip(given, own, strict=True)]
    return [TensorType(d.dtype, _known(d.shape, source)) for d in own]


def _declared(tensor: Any) -> TensorType:
    dtypes = {"float32": DType.F32, "int32": DType.I32, "int64": DType.I64, "bool": DType.BOOL, "uint8": DType.U8}
    name = str(tensor.dtype)
    if name not in dtypes:
        raise NascError.of(f"input {tensor.name} is {name}", f"expected one of {', '.join(dtypes)}", "dtype")
    sizes = [-1 if size is None else size for size in tensor.shape[1:]]
    return TensorType(dtypes[name], (symbol(BATCH) if tensor.shape[0] is None else tensor.shape[0], *sizes))


def _open(type: TensorType) -> TensorType:
    return type.with_shape(symbol(BATCH), *type.shape[1:])


def _known(shape: Sequence[Any], source: str) -> tuple[Dim, ...]:
    if any(size in (-1, None) for size in shape[1:]):
        raise _unknown_sizes(source, f"the model takes {_open_text(shape)} and leaves sizes open")
    return tuple(symbol(BATCH) if size is None else size for size in shape)


def _open_text(shape: Sequence[Any]) -> str:
    return f"[{','.join(['N', *('any' if size in (-1, None) else str(size) for size in shape[1:])])}]"


def _unknown_sizes(source: str, what: str) -> NascError:
    return NascError.of(what, f"say what it takes: nasc lower {source} --input 1x224x224x3", "no-input")


def _check_fits(given: TensorType, declared: TensorType) -> None:
    fits = given.rank == declared.rank and all(
        d in (-1, g) for g, d in zip(given.shape[1:], declared.shape[1:], strict=True)
    )
    if not fits:
        what = f"the model takes {_open_text(declared.shape)}, not {given}"
        raise NascError.of(what, "axes are as Keras has them", "inputs")


def _count(items: Sequence[Any]) -> str:
    return f"{len(items)} input{'s' * (len(items) != 1)}"
