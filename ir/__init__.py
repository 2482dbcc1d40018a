"""The intermediate representation: types, ops, graphs and modules, and what must hold of them."""

from .attributes import Attribute, quote, show
from .builder import Builder
from .diagnostics import Diagnostic, Loc, NascError, counted, did_you_mean
from .digest import digest
from .dims import (
    Dim,
    Expr,
    FloorDiv,
    ceildiv,
    evaluate,
    numel,
    product,
    solve,
    substitute,
    symbol,
    symbols_of,
)
from .graph import CallBlock, Graph, Input, Module, Node, Notes, NoteValue, rename_values
from .inference import bind, callees, infer, result_types
from .memo import memoised
from .op import Call, Infix, Layer, Method, OnnxNode, Op, Slot, Types, arity, attributes_of, build, defaults_of
from .ops import FAMILIES, OPS
from .types import DType, TensorType, f32
from .verifier import checked, verify

__all__ = [
    "FAMILIES",
    "OPS",
    "Attribute",
    "Builder",
    "Call",
    "CallBlock",
    "DType",
    "Diagnostic",
    "Dim",
    "Expr",
    "FloorDiv",
    "Graph",
    "Infix",
    "Input",
    "Layer",
    "Loc",
    "Method",
    "Module",
    "NascError",
    "Node",
    "NoteValue",
    "Notes",
    "OnnxNode",
    "Op",
    "Slot",
    "TensorType",
    "Types",
    "arity",
    "attributes_of",
    "bind",
    "build",
    "callees",
    "ceildiv",
    "checked",
    "counted",
    "defaults_of",
    "did_you_mean",
    "digest",
    "evaluate",
    "f32",
    "infer",
    "memoised",
    "numel",
    "product",
    "quote",
    "rename_values",
    "result_types",
    "show",
    "solve",
    "substitute",
    "symbol",
    "symbols_of",
    "verify",
]
