"""Ops without operands: parameters, constants and generated tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import onnx_ir

from ....ir import DType
from ..values import array
from ..writer import Site, Value


def _weight(site: Site) -> Value:
    return site.writer.weight(site.node, site.get("key"), site.result)


def _full(site: Site) -> Value:
    shape, value, dtype = site.get("shape"), site.get("value"), site.get("dtype")
    if not shape or not isinstance(value, int | float):
        filled = site.number(value, dtype)
        return site.add("Expand", filled, site.sizes(shape)) if shape else filled
    tensor = onnx_ir.AttrTensor("value", array([value], dtype))
    return site.add("ConstantOfShape", site.sizes(shape), value=tensor)


def _arange(site: Site) -> Value:
    bounds = [site.number(site.get(name), DType.I64) for name in ("start", "end", "step")]
    return site.cast(site.add("Range", *bounds), DType.I64, site.result.dtype)


SOURCE: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "arange": _arange,
        "constant": _weight,
        "full": _full,
        "parameter": _weight,
    }
)
