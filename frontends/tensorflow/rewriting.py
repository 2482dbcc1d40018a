"""A TensorFlow function as one graph without variables, with batch normalization found again.

``tf.nn.batch_normalization`` is arithmetic on the statistics (``rsqrt(variance + eps) * scale`` and so on), which
constant folding would melt into two vectors; so it is put back together before anything is folded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .naming import Named, name_constants


def prepared(function: Any, keys: Sequence[Named]) -> tuple[Any, list[str]]:
    """Return the graph of a concrete function, its constants named by ``keys``, and the names of its outputs."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
    graph = frozen.graph.as_graph_def(add_shapes=True)
    shapes = {op.name: op.outputs[0].shape for op in frozen.graph.get_operations() if op.outputs}
    name_constants(graph, keys)
    _join_norms(graph, shapes)
    return graph, [tensor.name for tensor in frozen.outputs]


@dataclass(frozen=True)
class _Norm:
    """The operands of a batch normalization that is written as arithmetic."""

    x: str
    scale: str
    offset: str
    mean: str
    variance: str
    epsilon: float


class _Nodes:
    """The nodes of a graph by name, identities looked through."""

    def __init__(self, graph: Any) -> None:
        self.by_name: Mapping[str, Any] = {node.name: node for node in graph.node}

    def find(self, name: str) -> Any:
        """Return the node that makes a value, past identities; None where it is not a plain first result."""
        node = self.by_name.get(name.removesuffix(":0").removeprefix("^"))
        while node is not None and node.op == "Identity":
            node = self.by_name.get(node.input[0].removesuffix(":0"))
        return node

    def made_by(self, name: str, *ops: str) -> Any:
        """Return the node that makes a value where it is one of these operations."""
        node = self.find(name)
        return node if node is not None and node.op in ops else None


def _join_norms(graph: Any, shapes: Mapping[str, Any]) -> None:
    """Replace arithmetic that is a batch normalization of images by one operation."""
    nodes = _Nodes(graph)
    for node in list(graph.node):
        found = _norm(nodes, node)
        if found is None or _rank(shapes, node.name) != 4:
            continue
        dtype = node.attr["T"].type
        del node.input[:]
        node.op = "FusedBatchNormV3"
        node.input.extend([found.x, found.scale, found.offset, found.mean, found.variance])
        node.attr.clear()
        node.attr["T"].type = node.attr["U"].type = dtype
        node.attr["epsilon"].f = found.epsilon
        node.attr["is_training"].b = False
        node.attr["data_format"].s = b"NHWC"


def _rank(shapes: Mapping[str, Any], name: str) -> int | None:
    shape = shapes.get(name)
    rank: int | None = None if shape is None else shape.rank
    return rank


def _norm(nodes: _Nodes, node: Any) -> _Norm | None:
    """Return the batch normalization ``x * m + (offset - mean * m)`` with ``m = rsqrt(variance + eps) * scale``."""
    if node.op not in ("AddV2", "Add") or len(node.input) < 2:
        return None
    for product, rest in (node.input[:2], node.input[:2][::-1]):
        scaled, shift = nodes.made_by(product, "Mul"), nodes.made_by(rest, "Sub")
        moved = nodes.made_by(shift.input[1], "Mul") if shift is not None else None
        if scaled is None or shift is None or moved is None:
            continue
        for factor, x in (scaled.input[:2], scaled.input[:2][::-1]):
            mean = _other(nodes, moved, factor)
            inner = _factor(nodes, factor)
            if mean is not None and inner is not None:
                variance, epsilon, scale = inner
                return _Norm(x, scale, shift.input[0], mean, variance, epsilon)
    return None


def _other(nodes: _Nodes, product: Any, factor: str) -> str | None:
    """Return the operand of a product that is not this factor."""
    wanted = nodes.find(factor)
    for one, other in (product.input[:2], product.input[:2][::-1]):
        if wanted is not None and nodes.find(one) is wanted:
            return str(other)
    return None


def _factor(nodes: _Nodes, name: str) -> tuple[str, float, str] | None:
    """Return variance, epsilon and scale of ``rsqrt(variance + eps) * scale``."""
    product = nodes.made_by(name, "Mul")
    for root, scale in (product.input[:2], product.input[:2][::-1]) if product is not None else ():
        inverse = nodes.made_by(root, "Rsqrt")
        total = nodes.made_by(inverse.input[0], "AddV2", "Add") if inverse is not None else None
        number = nodes.made_by(total.input[1], "Const") if total is not None else None
        if total is not None and number is not None:
            return str(total.input[0]), _number(number), str(scale)
    return None


def _number(constant: Any) -> float:
    from tensorflow import make_ndarray

    return float(make_ndarray(constant.attr["value"].tensor).reshape(-1)[0])
