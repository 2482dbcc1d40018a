"""Names of weights: those of the variables that a function reads, as PyTorch would call them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_SLOTS = {
    "weight": "kernel w weight weights gamma scale depthwise_kernel embeddings table filter filters",
    "bias": "bias b beta offset",
    "running_mean": "moving_mean mean running_mean",
    "running_var": "moving_variance var variance running_var",
}
_SLOT_OF = {word: slot for slot, words in _SLOTS.items() for word in words.split()}
_DEPTH = 32
_CALL = "StatefulPartitionedCall/"
_TF2ONNX_END = 10**9
_ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Pow")


@dataclass(frozen=True)
class Named:
    """A variable that a function reads: the key that it gets, its numbers, and the placeholder that stands for it."""

    key: str
    array: Array
    placeholder: str


def variable_keys(function: Any, owner: Any) -> list[Named]:
    """Return the variables that a function reads with the keys that they get.

    The key is the path of attributes from ``owner``, the object that holds the function, else the variable's own
    name: ``block1.conv.kernel`` is ``block1.conv.weight``.
    """
    paths = {id(variable): path for variable, path in _held(owner)}
    count = len(function.captured_inputs)
    places = zip(function.captured_inputs, function.inputs[len(function.inputs) - count :], strict=True)
    standing = {id(captured): str(tensor.op.name) for captured, tensor in places}
    keys: list[Named] = []
    for variable in function.graph.variables:
        name = paths.get(id(variable)) or str(variable.name).partition(":")[0].replace("/", ".")
        if not re.fullmatch(r"Variable(_\d+)?", name):
            placeholder = standing.get(id(variable.handle), "")
            keys.append(Named(_key(name, len(variable.shape)), variable.numpy(), placeholder))
    return keys


def name_constants(graph: Any, keys: Sequence[Named]) -> None:
    """Name the constants of a frozen graph after their variables, and read them without the calls in between."""
    names = {named.placeholder: named.key for named in keys}
    made = {node.name: node for node in graph.node}
    found: list[tuple[Any, int, str]] = []
    for node in graph.node:
        for i, operand in enumerate(node.input):
            source = made.get(operand.removesuffix(":0"))
            while source is not None and source.op == "Identity":
                source = made.get(source.input[0].removesuffix(":0"))
            if source is not None and source.op == "Const" and source.name in names:
                found.append((node, i, names[source.name]))
    for node, i, name in found:
        node.input[i] = name
    for node in graph.node:
        node.name = names.get(node.name, node.name) if node.op == "Const" else node.name


def name_weights(proto: Any, keys: Sequence[Named]) -> None:
    """Rename the initializers of an ONNX model after the variables that they hold, moved axes or not.

    Numbers tell which variable it is; of several with equal numbers the one that the name still shows.
    """
    from onnx import numpy_helper

    waiting: dict[bytes, list[str]] = defaultdict(list)
    for named in keys:
        waiting[_content(named.array)].append(named.key)
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for tensor in _in_order(proto):
        names = waiting.get(_content(numpy_helper.to_array(tensor)), [])
        if names:
            shown = [
                key for key in names if tensor.name.startswith(key) and tensor.name[len(key) :][:1] in ("", "_", ":")
            ]
            name = (shown or names)[0]
            names.remove(name)
            if name not in taken:
                taken.add(name)
                renamed[tensor.name] = tensor.name = name
    _apply(proto, renamed)


def tidy(proto: Any, inputs: Sequence[str]) -> None:
    """Name inputs as the function does, drop the call around it from names, and make numbers of lone elements."""
    renamed: dict[str, str] = {}
    for value, name in zip(proto.graph.input, inputs, strict=True):
        renamed[value.name] = value.name = name
    _apply(proto, renamed)
    lone = {tensor.name for tensor in proto.graph.initializer if all(size == 1 for size in tensor.dims)}
    for node in proto.graph.node:
        node.name = node.name.removeprefix(_CALL)
        if node.op_type not in _ELEMENTWISE:
            lone -= set(node.input)
    for tensor in proto.graph.initializer:
        if tensor.name in lone and "." not in tensor.name:
            del tensor.dims[:]
    _open_ends(proto)


def _open_ends(proto: Any) -> None:
    """Write the end of a slice that goes to the end as ONNX does: tf2onnx writes a billion."""
    from onnx import numpy_helper

    ends = {node.input[2] for node in proto.graph.node if node.op_type == "Slice"}
    for tensor in proto.graph.initializer:
        if tensor.name in ends:
            array = numpy_helper.to_array(tensor)
            whole = np.where(array == _TF2ONNX_END, np.iinfo(array.dtype).max, array)
            tensor.CopyFrom(numpy_helper.from_array(whole.astype(array.dtype), tensor.name))


def _apply(proto: Any, renamed: Mapping[str, str]) -> None:
    for node in proto.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)


def _in_order(proto: Any) -> Iterator[Any]:
    """Yield the initializers in the order in which nodes read them."""
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        for name in node.input:
            tensor = tensors.pop(name, None)
            if tensor is not None:
                yield tensor


def _content(array: Array) -> bytes:
    """Return a digest of the numbers whatever their order: a moved kernel has the same."""
    flat = np.sort(np.ascontiguousarray(array).reshape(-1))
    return blake2b(flat.tobytes() + str(flat.dtype).encode(), digest_size=16).digest()


def _key(path: str, rank: int) -> str:
    stem, _, last = path.rpartition(".")
    slot = _SLOT_OF.get(last)
    if stem and slot is not None:
        return f"{stem}.{slot}"
    return f"{path}.weight" if rank > 1 else path


def _held(owner: Any) -> Iterator[tuple[Any, str]]:
    """Yield the variables that an object holds, with the path of attributes and indices to each."""
    seen: set[int] = set()
    waiting: list[tuple[Any, str, int]] = [(owner, "", 0)]
    while waiting:
        value, path, depth = waiting.pop(0)
        if id(value) in seen or depth > _DEPTH:
            continue
        seen.add(id(value))
        if hasattr(value, "numpy") and hasattr(value, "assign"):
            yield value, path
            continue
        for name, child in _children(value):
            waiting.append((child, f"{path}.{name}" if path else name, depth + 1))


def _children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        return [(str(i), item) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items() if isinstance(key, str)]
    if type(value).__module__.startswith(("numpy", "builtins")):
        return []
    return [(name, item) for name, item in vars_of(value).items() if not name.startswith("_")]


def vars_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object; none where it has no dictionary."""
    return getattr(value, "__dict__", {})
