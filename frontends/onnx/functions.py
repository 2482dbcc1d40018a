"""The functions by which the ONNX standard defines operators: what has no rule is lowered through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import onnx
from onnx import FunctionProto, TensorProto, TypeProto

from ...ir import DType, Expr
from .reading import domain
from .tensors import DTYPES

if TYPE_CHECKING:
    from .site import Site

_CODES: dict[DType, int] = {dtype: code for code, dtype in DTYPES.items()}


def standard_function(site: Site) -> FunctionProto | None:
    """Return the body that the standard gives an operator at its opset; None where it gives none."""
    node = site.node
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, site.version, domain=domain(node.domain))
    except onnx.defs.SchemaError:
        return None
    body = FunctionProto()
    try:
        if schema.has_function:
            version = _nearest(schema.function_opset_versions, site.version)
            body.ParseFromString(schema.get_function_with_opset_version(version))
        elif schema.has_context_dependent_function:
            version = _nearest(schema.context_dependent_function_opset_versions, site.version)
            call = _resolved(site)
            types = [_type(site, i) for i in range(len(node.input))]
            text = schema.get_context_dependent_function_with_opset_version(version, call, types)
            body.ParseFromString(text)
        else:
            return None
    except Exception:  # the standard's C++ code says no in many ways: types that do not fit, a missing attribute
        return None
    defaults = [one.default_value for one in schema.attributes.values() if one.default_value.name]
    given = {one.name for one in body.attribute_proto}
    body.attribute_proto.extend(one for one in defaults if one.name not in given)
    return body if body.node else None


def _nearest(versions: Sequence[int], version: int) -> int:
    """Return the newest of some opsets that is not above one, else the oldest."""
    return max((v for v in versions if v <= version), default=min(versions))


def _resolved(site: Site) -> bytes:
    node = onnx.NodeProto()
    node.CopyFrom(site.node)
    del node.attribute[:]
    for name, attribute in site.attributes.items():
        one = node.attribute.add()
        one.CopyFrom(attribute)
        one.name = name
        one.ref_attr_name = ""
    return bytes(node.SerializeToString())


def _type(site: Site, index: int) -> bytes:
    proto = TypeProto()
    value = site.inputs[index]
    if value is None or value.broken:
        return bytes(proto.SerializeToString())
    type = site.input_type(index)
    proto.tensor_type.elem_type = _CODES.get(type.dtype, TensorProto.UNDEFINED)
    proto.tensor_type.shape.SetInParent()
    for size in type.shape:
        dim = proto.tensor_type.shape.dim.add()
        if isinstance(size, Expr):
            dim.dim_param = str(size)
        else:
            dim.dim_value = size
    return bytes(proto.SerializeToString())
