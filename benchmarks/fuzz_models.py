"""Sound ONNX models to spoil, and what spoils them as what they mean: another operator, an absurd size, a cycle."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from google.protobuf.message import DecodeError
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

NUMBERS = (0, 1, -1, 2, 5, 255, 2**16, 2**31 - 1, 2**40, 2**62, 2**63 - 1, -(2**63))
Rng = random.Random


def models() -> list[ModelProto]:
    """Return the sound models."""
    return [_convolutions(), _attention(), _shapes()]


def _model(
    nodes: list[NodeProto], shape: list[int | str], weights: dict[str, np.ndarray], name: str = "y"
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, key) for key, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def _array(*shape: int) -> np.ndarray:
    return np.linspace(0.1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _convolutions() -> ModelProto:
    n = helper.make_node
    nodes = [
        n("Conv", ["x", "c.weight", "c.bias"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        n("BatchNormalization", ["a", "s", "b", "m", "v"], ["d"]),
        n("Relu", ["d"], ["e"]),
        n("MaxPool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        n("Concat", ["f", "f"], ["g"], axis=1),
        n("Resize", ["g", "", "scales"], ["h"], mode="linear"),
        n("GlobalAveragePool", ["h"], ["i"]),
        n("Flatten", ["i"], ["j"]),
        n("Gemm", ["j", "fc.weight", "fc.bias"], ["k"], transB=1),
        n("Softmax", ["k"], ["y"]),
    ]
    weights = {"c.weight": _array(4, 3, 3, 3), "c.bias": _array(4), "fc.weight": _array(5, 8), "fc.bias": _array(5)}
    weights |= {name: _array(4) for name in "sbmv"} | {"scales": np.array([1, 1, 2, 2], np.float32)}
    return _model(nodes, ["batch", 3, 16, 16], weights)


def _attention() -> ModelProto:
    n = helper.make_node
    nodes = [
        n("LayerNormalization", ["x", "ln.weight", "ln.bias"], ["a"]),
        n("MatMul", ["a", "qkv"], ["b"]),
        n("Split", ["b"], ["q", "k", "v"], axis=-1, num_outputs=3),
        n("Transpose", ["k"], ["t"], perm=[0, 2, 1]),
        n("MatMul", ["q", "t"], ["c"]),
        n("Mul", ["c", "scale"], ["d"]),
        n("Softmax", ["d"], ["e"], axis=-1),
        n("MatMul", ["e", "v"], ["f"]),
        n("Gelu", ["f"], ["g"]),
        n("Add", ["g", "x"], ["h"]),
        n("ReduceMean", ["h", "axes"], ["y"], keepdims=0),
    ]
    weights = {"ln.weight": _array(6), "ln.bias": _array(6), "qkv": _array(6, 18), "axes": np.array([1], np.int64)}
    return _model(nodes, ["batch", 4, 6], weights | {"scale": np.array(0.4, np.float32)})


def _shapes() -> ModelProto:
    n = helper.make_node
    then = helper.make_graph([n("Relu", ["d"], ["t"])], "then", [], [helper.make_tensor_value_info("t", 1, None)])
    other = helper.make_graph([n("Neg", ["d"], ["o"])], "else", [], [helper.make_tensor_value_info("o", 1, None)])
    nodes = [
        n("Shape", ["x"], ["s"]),
        n("Gather", ["s", "zero"], ["b"]),
        n("Unsqueeze", ["b", "axes"], ["c"]),
        n("Concat", ["c", "rest"], ["shape"], axis=0),
        n("Reshape", ["x", "shape"], ["d"]),
        n("If", ["yes"], ["e"], then_branch=then, else_branch=other),
        n("Slice", ["e", "zeros", "ends", "one"], ["f"]),
        n("Pad", ["f", "pads"], ["g"]),
        n("ConstantOfShape", ["shape"], ["h"]),
        n("Expand", ["g", "wide"], ["i"]),
        n("TopK", ["i", "k"], ["j", "places"]),
        n("Identity", ["j"], ["y"]),
    ]
    weights = {
        "zero": np.array(0),
        "axes": np.array([0]),
        "rest": np.array([12, 2]),
        "zeros": np.array([0]),
        "ends": np.array([8]),
        "one": np.array([1]),
        "pads": np.array([0, 0, 1, 0, 0, 1]),
        "wide": np.array([1, 1, 4]),
        "k": np.array([2]),
        "yes": np.array(True),
    }
    return _model(nodes, ["batch", 4, 6], weights)


def mutated(data: bytes, rng: Rng) -> bytes:
    """Return a model with some of its parts changed as what they mean."""
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        return data
    for _ in range(rng.randint(1, 3)):
        rng.choice(_CHANGES)(model, rng)
    return bytes(model.SerializeToString())


def _node(model: ModelProto, rng: Rng) -> NodeProto:
    return rng.choice(model.graph.node) if model.graph.node else NodeProto()


def _operator(model: ModelProto, rng: Rng) -> None:
    from nasc.frontends.onnx.rules import RULES

    _node(model, rng).op_type = rng.choice((*sorted(RULES), "Nonsense", "", "Loop"))


def _inputs(model: ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)] or [""]
    if node.input and rng.random() < 0.6:
        node.input[rng.randrange(len(node.input))] = rng.choice((*names, "", "missing"))
    elif node.input and rng.random() < 0.5:
        del node.input[rng.randrange(len(node.input))]
    else:
        node.input.append(rng.choice(names))


def _outputs(model: ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    node.output.append(rng.choice(("extra", "x", "y", "")))


def _attribute(model: ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if not node.attribute:
        node.attribute.append(helper.make_attribute(rng.choice(("axis", "group", "pads")), rng.choice(NUMBERS)))
        return
    attribute = rng.choice(node.attribute)
    if rng.random() < 0.2:
        setattr(attribute, "type", rng.choice(list(AttributeProto.AttributeType.values())))  # noqa: B010 its stub takes no int
    elif attribute.ints:
        attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(NUMBERS)
        if rng.random() < 0.2:
            del attribute.ints[-1]
    else:
        attribute.i = rng.choice(NUMBERS)


def _initializer(model: ModelProto, rng: Rng) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    choice = rng.random()
    if choice < 0.3 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
    elif choice < 0.5:
        tensor.data_type = rng.randrange(30)
    elif choice < 0.8 and tensor.data_type == TensorProto.INT64:
        count = max(1, len(tensor.raw_data) // 8)
        tensor.raw_data = np.array([rng.choice(NUMBERS) for _ in range(count)], np.int64).tobytes()
    elif choice < 0.9:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=rng.choice(("../x", "/etc/passwd", "x.bin", "", "a\0b")))
    else:
        model.graph.initializer.remove(tensor)


def _input_shape(model: ModelProto, rng: Rng) -> None:
    dims = model.graph.input[0].type.tensor_type.shape.dim if model.graph.input else ()
    if dims:
        rng.choice(dims).dim_value = rng.choice(NUMBERS)


def _order(model: ModelProto, rng: Rng) -> None:
    nodes = list(model.graph.node)
    rng.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _opset(model: ModelProto, rng: Rng) -> None:
    model.opset_import[0].version = rng.choice((0, 1, 7, 13, 14, 18, 21, 25, 28, 29, 2**40, -5))


_CHANGES: tuple[Callable[[ModelProto, Rng], None], ...] = (
    *(_operator, _inputs, _outputs, _attribute, _attribute, _initializer, _initializer, _input_shape, _order, _opset),
)
