"""How each op is written in ONNX: the functions of all families, and the spelling that an op states as a fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ..writer import Site, Value
from .activation import ACTIVATIONS
from .elementwise import ELEMENTWISE, spelled
from .layers import LAYERS
from .normalization import NORMALIZATION
from .pooling import POOLING
from .products import PRODUCTS
from .recurrent import RECURRENT
from .reduction import REDUCTION
from .selection import SELECTION
from .shape import SHAPE
from .source import SOURCE

Write = Callable[[Site], Value | Sequence[Value]]

WRITERS: Mapping[str, Write] = MappingProxyType(
    {
        **ACTIVATIONS,
        **ELEMENTWISE,
        **LAYERS,
        **NORMALIZATION,
        **POOLING,
        **PRODUCTS,
        **RECURRENT,
        **REDUCTION,
        **SELECTION,
        **SHAPE,
        **SOURCE,
    }
)

# Ops that ONNX cannot express, and why; emission says so.
INEXPRESSIBLE: Mapping[str, str] = MappingProxyType({})


def write(site: Site) -> tuple[Value, ...]:
    """Write the node of a site and return its results. Raises NascError where ONNX cannot express it."""
    op = site.node.op
    if op.name in WRITERS:
        made = WRITERS[op.name](site)
        return (made,) if isinstance(made, Value) else tuple(made)
    if op.onnx is not None:
        return (spelled(site, op.onnx),)
    reason = INEXPRESSIBLE.get(op.name, "nasc has no spelling of it")
    raise site.error(f"ONNX cannot express {op.name}: {reason}", "replace the layer, or emit PyTorch")
