"""TensorFlow functions become ONNX models, channels-first, and these modules of the IR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...ir import Diagnostic, DType, Module, NascError, TensorType
from ..lowered import Lowered
from .naming import name_weights, tidy, variable_keys
from .rewriting import prepared
from .runtime import erfc, quiet, silent, tensorflow

OPSET = 18
SERVING = "serving_default"
# Merging equal weights would tie layers that are not, and folding a batch norm into a convolution changes the network.
LEFT_OUT = ("merge_duplication", "remove_back_to_back")
# Operations that say by their data format that an operand of four axes is an image.
SPATIAL = ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MaxPool", "AvgPool", "FusedBatchNormV3")
_DTYPES = {
    DType.F32: "float32",
    DType.F64: "float64",
    DType.F16: "float16",
    DType.I64: "int64",
    DType.I32: "int32",
    DType.U8: "uint8",
    DType.BOOL: "bool",
}


def saved_model(place: str, types: Sequence[TensorType], source: str) -> Lowered:
    """Return the serving function of a SavedModel's folder as a module."""
    if not (Path(place) / "saved_model.pb").is_file():
        hint = "expected the folder that tf.saved_model.save wrote"
        raise NascError.of(f"{place} is a folder without saved_model.pb", hint, "saved-model")
    tf = tensorflow()
    try:
        with quiet(), silent():
            loaded = tf.saved_model.load(place)
    except Exception as error:
        said = str(error).strip().partition("\n")[0][:300]
        raise NascError.of(f"{place} cannot be loaded: {said}", "it may be damaged", "saved-model") from error
    names = [name for name in loaded.signatures if not name.startswith("_")]
    if not names:
        hint = "save it with tf.saved_model.save(model, folder, signatures=model.fn.get_concrete_function(spec))"
        raise NascError.of(f"{place} has no signature", hint, "saved-model")
    function = loaded.signatures[SERVING if SERVING in names else names[0]]
    return _lowered(function, loaded, types, source or place)


def traced(function: Any, types: Sequence[TensorType], source: str) -> Lowered:
    """Return a function that tf.function made as a module."""
    tf = tensorflow()
    owner = getattr(getattr(function, "python_function", None), "__self__", None)
    if not hasattr(function, "structured_input_signature"):
        specs = [_spec(tf, type) for type in types]
        signature = getattr(function, "input_signature", None)
        if signature is None and not specs:
            hint = f"nasc lower {source} --input 1x224x224x3, or give tf.function an input_signature"
            raise NascError.of("the function does not say what it takes", hint, "no-input")
        try:
            with quiet():
                function = function.get_concrete_function(*(specs or signature or ()))
        except Exception as error:
            said = str(error).strip().partition("\n")[0][:300]
            hint = "run the function with python to see the whole traceback"
            raise NascError.of(f"the function cannot be traced: {said}", hint, "user-code") from error
    return _lowered(function, owner, (), source)


def _spec(tf: Any, type: TensorType) -> Any:
    if type.dtype not in _DTYPES:
        expected = ", ".join(dtype.value for dtype in _DTYPES)
        raise NascError.of(f"a tf.function takes no {type.dtype.value} here", f"expected one of {expected}", "dtype")
    return tf.TensorSpec([None, *type.shape[1:]] if type.shape else [], _DTYPES[type.dtype])


def _lowered(function: Any, owner: Any, types: Sequence[TensorType], source: str) -> Lowered:
    """Return a concrete function as a module; ``types`` fix sizes that its signature leaves open."""
    from ..onnx.lowering import lower_model

    inputs = [tensor for tensor in function.inputs if tensor.dtype != "resource"]
    inputs = inputs[: len(inputs) - _constants(function)]
    with quiet(), silent():
        keys = variable_keys(function, owner)
        frozen, outputs = prepared(function, keys)
        images = [tensor.name for tensor in inputs if _is_image(frozen, tensor)]
        maps = [name for name in outputs if images and _rank(function, outputs.index(name)) == 4]
        proto = _converted(frozen, [tensor.name for tensor in inputs], outputs, images, maps)
    name_weights(proto, keys)
    tidy(proto, [_plain(tensor.name) for tensor in inputs])
    given = [_first(t, tensor.name in images) for t, tensor in zip(types, inputs, strict=False)] if types else []
    lowered = lower_model(proto, given, known=False)
    return _noted(lowered, inputs, images, [name in maps for name in outputs], function, source)


def _constants(function: Any) -> int:
    """Return how many inputs at the end are values that the function captured, and no variables."""
    return sum(tensor.dtype != "resource" for tensor in function.captured_inputs)


def _is_image(frozen: Any, tensor: Any) -> bool:
    spatial = any(node.op in SPATIAL and node.attr["data_format"].s in (b"", b"NHWC") for node in frozen.node)
    return tensor.shape.rank == 4 and spatial


def _rank(function: Any, index: int) -> int | None:
    rank: int | None = function.outputs[index].shape.rank
    return rank


def _first(type: TensorType, image: bool) -> TensorType:
    if not image or type.rank != 4:
        return type
    n, h, w, c = type.shape
    return type.with_shape(n, c, h, w)


def _plain(name: str) -> str:
    return name.partition(":")[0].rpartition("/")[2]


def _converted(frozen: Any, inputs: list[str], outputs: list[str], images: list[str], maps: list[str]) -> Any:
    """Return a graph of TensorFlow as an ONNX model."""
    import tensorflow as tf
    from tf2onnx import optimizer
    from tf2onnx.tfonnx import process_tf_graph

    steps = {
        name: step
        for name, step in getattr(optimizer, "_get_optimizers")().items()  # noqa: B009 they have no public name
        if name not in LEFT_OUT
    }
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        try:
            made = process_tf_graph(
                graph,
                opset=OPSET,
                continue_on_error=False,
                custom_op_handlers={"Erfc": (erfc, [])},
                input_names=inputs,
                output_names=outputs,
                inputs_as_nchw=images,
                outputs_as_nchw=maps,
            )
        except Exception as error:
            said = str(error).strip().partition("\n")[0][:300]
            raise NascError.of(
                f"tf2onnx cannot convert the function: {said}",
                "write it with operations that ONNX has",
                "tf-operation",
            ) from error
        return optimizer.optimize_graph(made, False, optimizers=steps).make_model("nasc")


def _noted(
    lowered: Lowered, inputs: Sequence[Any], images: list[str], maps: list[bool], function: Any, source: str
) -> Lowered:
    """Return the result with notes on axes, and a remark for each input that is channels-first here."""
    axes = ["0312" if tensor.name in images else _order(tensor.shape.rank) for tensor in inputs]
    made = ["0312" if image else _order(t.shape.rank) for image, t in zip(maps, function.outputs, strict=True)]
    module: Module = lowered.module
    notes: dict[str, Any] = {"framework": "tensorflow", "input_axes": ",".join(axes), "output_axes": ",".join(made)}
    notes = {"source": source, **notes} if source else notes
    remarks = [
        Diagnostic(
            f"input {value.name} is channels-first: {value.type} where TensorFlow takes {tensor.shape}",
            "permute it by 0312",
            "channels-first",
            severity="note",
        )
        for value, tensor in zip(module.main.inputs, inputs, strict=True)
        if tensor.name in images
    ]
    return replace(lowered, module=replace(module, notes=notes), diagnostics=(*remarks, *lowered.diagnostics))


def _order(rank: int | None) -> str:
    return "".join(map(str, range(rank or 0)))
