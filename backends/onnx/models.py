"""Models: a module of the IR as an ONNX model, its weights as initializers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import onnx
import onnx_ir

from ... import __version__
from ...ir import Diagnostic, Graph, Module, NascError, Node, TensorType, checked, did_you_mean
from ...passes import inline
from ..instances import instantiate, tensors_of
from .graphs import GraphWriter
from .local import DOMAIN, Locals
from .values import DATA_TYPES, carried, stored, typed

if TYPE_CHECKING:
    from torch import Tensor

OPSETS = range(18, 27)
LIMIT = 2**31 - 2**20


def model(module: Module, weights: Mapping[str, Tensor] | None, opset: int, functions: bool) -> onnx_ir.Model:
    """Return a module as an ONNX model whose initializers still share memory with the weights."""
    if opset not in OPSETS:
        raise NascError.of(f"there is no opset {opset} here", f"expected {OPSETS[0]} to {OPSETS[-1]}", "opset")
    whole = checked(module) if functions else inline(module)
    drawn = tensors_of(instantiate(whole)) if weights is None else weights
    return _Emission(whole, drawn, opset).write()


def proto(module: Module, weights: Mapping[str, Tensor] | None, opset: int, functions: bool) -> onnx.ModelProto:
    """Return a module as a message. Raises NascError also where it would not fit into one."""
    made = model(module, weights, opset, functions)
    if weight_bytes(made) > LIMIT:
        raise NascError.of(
            f"the weights are {weight_bytes(made):,} bytes, and an ONNX message holds 2 GB",
            "write the model with write_onnx, or `nasc emit --to onnx -o FILE`, which put them beside it",
            "onnx-size",
        )
    return onnx_ir.to_proto(made)


def weight_bytes(made: onnx_ir.Model) -> int:
    """Return the size of all initializers."""
    tensors = (value.const_value for value in made.graph.initializers.values())
    return sum(tensor.nbytes for tensor in tensors if tensor is not None)


class _Emission:
    """One model on its way: the initializers so far and what was found wrong."""

    def __init__(self, module: Module, weights: Mapping[str, Tensor], opset: int) -> None:
        self.module = module
        self.weights = weights
        self.opset = opset
        self.initializers: dict[str, onnx_ir.Value] = {}
        self.problems: list[Diagnostic] = []

    def write(self) -> onnx_ir.Model:
        """Return the model. Raises NascError with everything that is wrong."""
        main = self.module.main
        functions = Locals(self.module, self.opset, self.problems)
        writer = GraphWriter(main, self.opset, self.weight, functions, self.problems, taken=set(self.weights))
        inputs, outputs = writer.write()
        if self.problems:
            raise NascError(*self.problems)
        imports = {"": self.opset, **({DOMAIN: 1} if functions.made else {})}
        versions = [onnx.helper.make_opsetid("", self.opset)]
        graph = onnx_ir.Graph(
            inputs,
            outputs,
            nodes=writer.nodes,
            initializers=list(self.initializers.values()),
            opset_imports=imports,
            name=main.name,
            metadata_props={"nasc.scopes": json.dumps(dict(main.scopes))} if main.scopes else None,
        )
        return onnx_ir.Model(
            graph,
            ir_version=onnx.helper.find_min_ir_version_for(versions),
            producer_name="nasc",
            producer_version=__version__,
            functions=functions.made,
            metadata_props={f"nasc.{key}": str(value) for key, value in self.module.notes.items()},
        )

    def weight(self, node: Node, key: str, type: TensorType) -> onnx_ir.Value:
        """Return the initializer of a state-dict key, made when it is first asked for."""
        if key not in self.initializers:
            value = typed(onnx_ir.Value(name=key), type)
            value.const_value = self._tensor(node, key, type)
            value.metadata_props["nasc.kind"] = _kind(node, key)
            self.initializers[key] = value
        return self.initializers[key]

    def _tensor(self, node: Node, key: str, type: TensorType) -> onnx_ir.TensorProtocol | None:
        if node.op.attributes().get("data"):
            return stored(node.op, key, type)
        if key not in self.weights:
            hint = did_you_mean(key, self.weights) if self.weights else "there are no weights at all"
            self._problem(node, self.module.main, f"there is no weight {key}: {type}", hint)
            return None
        made = carried(self.weights[key], key)
        shape = [size if isinstance(size, int) else str(size) for size in type.shape]
        if list(made.shape) != shape or made.dtype != DATA_TYPES[type.dtype]:
            given = f"{made.dtype.name.lower()}[{','.join(map(str, made.shape))}]"
            self._problem(node, self.module.main, f"weight {key} is {given}", f"expected {type}")
        return made

    def _problem(self, node: Node, graph: Graph, message: str, hint: str) -> None:
        found = Diagnostic(message, hint, "weights", graph=graph.name, node=node.name, path=node.path, source=node.loc)
        self.problems.append(found)


def _kind(node: Node, key: str) -> str:
    """Return what a tensor is to its layer: parameter, buffer, or constant where the state dict leaves it out."""
    if node.op.name == "constant":
        return "buffer" if node.op.attributes()["persistent"] else "constant"
    return "buffer" if key.endswith(("running_mean", "running_var")) else "parameter"
