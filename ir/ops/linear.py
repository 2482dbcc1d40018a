"""Matrix products, embeddings and attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .. import attributes as at
from ..diagnostics import counted
from ..dims import Dim
from ..op import Call, Layer, OnnxNode, Op, Slot, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import broadcast_shapes, need_multiple, need_one_dtype, shape_text


@declare
class Linear(Op):
    """``y = x W^T + b`` over the last axis."""

    name: ClassVar[str] = "linear"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.Linear", ("in_features", "out_features"))
    out_features: Dim = at.dim(low=1)
    bias: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if not x.rank:
            raise at.diagnostic(
                "linear needs an input with a last axis, not a scalar", "expected [..., features]", "rank"
            )
        return (x.with_shape(*x.shape[:-1], self.out_features),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        x = operands[0]
        weight = Slot("weight", x.with_shape(self.out_features, x.shape[-1]))
        return (weight, Slot("bias", x.with_shape(self.out_features))) if self.bias else (weight,)

    def macs(self, operands: Types, results: Types) -> Dim:
        """One multiply-accumulate an input feature and output element."""
        return results[0].numel * operands[0].shape[-1]

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        return {"in_features": operands[0].shape[-1]}


@declare
class Embedding(Op):
    """Rows of a table, chosen by integers: ``[...] -> [..., embedding_dim]``."""

    name: ClassVar[str] = "embedding"
    torch: ClassVar[Spelling] = Layer("nn.Embedding", ("num_embeddings", "embedding_dim"))
    num_embeddings: Dim = at.dim(low=1)
    embedding_dim: Dim = at.dim(low=1)
    padding_idx: int | None = at.integer(None, optional=True)
    dtype: DType = at.dtype(DType.F32)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if x.dtype not in (DType.I64, DType.I32):
            raise at.diagnostic(f"embedding needs integer indices, not {x}", "expected i64[...]", "dtype")
        if not self.dtype.is_floating:
            raise at.diagnostic(f"embedding has a table of {self.dtype.value}", "expected floats", "dtype")
        rows = self.num_embeddings
        if self.padding_idx is not None and isinstance(rows, int) and not -rows <= self.padding_idx < rows:
            hint = f"expected {-rows} to {rows - 1}"
            raise at.diagnostic(f"padding_idx={self.padding_idx} is none of {rows} rows", hint)
        return (TensorType(self.dtype, (*x.shape, self.embedding_dim)),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return (Slot("weight", TensorType(self.dtype, (self.num_embeddings, self.embedding_dim))),)


@declare
class Matmul(Op):
    """Matrix product with broadcast batch axes, as ``torch.matmul``."""

    name: ClassVar[str] = "matmul"
    operands: ClassVar[tuple[str, ...]] = ("x", "y")
    torch: ClassVar[Spelling] = Call("torch.matmul")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("MatMul")
    aten: ClassVar[tuple[str, ...]] = ("matmul", "bmm", "mm", "mv", "dot")

    def infer(self, operands: Types) -> Types:
        x, y = operands
        if not x.rank or not y.rank:
            raise at.diagnostic("matmul needs tensors, not scalars", "use mul", "rank")
        left = x.shape if x.rank > 1 else (1, *x.shape)
        right = y.shape if y.rank > 1 else (*y.shape, 1)
        if left[-1] != right[-2]:
            raise at.diagnostic(
                f"matmul of {shape_text(x.shape)} and {shape_text(y.shape)}: "
                f"{left[-1]} columns against {right[-2]} rows",
                f"expected a second operand with {left[-1]} rows, or transpose one operand",
                "shape-clash",
            )
        need_one_dtype(operands, self.name)
        batch = broadcast_shapes([left[:-2], right[:-2]]) if left[:-2] or right[:-2] else ()
        rows = (left[-2],) if x.rank > 1 else ()
        columns = (right[-1],) if y.rank > 1 else ()
        return (x.with_shape(*batch, *rows, *columns),)

    def macs(self, operands: Types, results: Types) -> Dim:
        """One multiply-accumulate an inner index and output element."""
        return results[0].numel * operands[0].shape[-1]


@declare
class Einsum(Op):
    """Einstein summation; every letter is one axis."""

    name: ClassVar[str] = "einsum"
    operands: ClassVar[tuple[str, ...]] = ("x*",)
    equation: str = at.text()

    def infer(self, operands: Types) -> Types:
        sizes, output = self._letters(operands)
        missing = [letter for letter in output if letter not in sizes]
        if missing:
            raise at.diagnostic(
                f"einsum output {missing[0]!r} is in no operand", f"expected letters of {sorted(sizes)}"
            )
        need_one_dtype(operands, self.name)
        return (operands[0].with_shape(*(sizes[letter] for letter in output)),)

    def macs(self, operands: Types, results: Types) -> Dim:
        """The product of all letters' sizes."""
        sizes, _ = self._letters(operands)
        total: Dim = 1
        for size in sizes.values():
            total = total * size
        return total

    def _letters(self, operands: Types) -> tuple[dict[str, Dim], str]:
        left, arrow, output = self.equation.replace(" ", "").partition("->")
        terms = left.split(",")
        if not arrow or "." in left or len(terms) != len(operands):
            raise at.diagnostic(
                f"einsum {self.equation!r} does not fit {counted(len(operands), 'operand')}",
                "expected one term of letters an operand, and '->' with the output's letters",
            )
        sizes: dict[str, Dim] = {}
        for term, operand in zip(terms, operands, strict=True):
            if len(term) != operand.rank:
                raise at.diagnostic(
                    f"einsum term {term!r} against {operand}", f"expected {operand.rank} letters", "rank"
                )
            for letter, size in zip(term, operand.shape, strict=True):
                known = sizes.setdefault(letter, size)
                if known == 1:
                    sizes[letter] = size
                elif size not in (known, 1):
                    raise at.diagnostic(f"einsum letter {letter!r} is both {known} and {size}", code="shape-clash")
        return sizes, output


@declare
class ScaledDotProductAttention(Op):
    """``softmax(q k^T * scale + mask) v`` over the last two axes; ``scale`` defaults to 1/sqrt(E)."""

    name: ClassVar[str] = "scaled_dot_product_attention"
    operands: ClassVar[tuple[str, ...]] = ("query", "key", "value", "attn_mask?")
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.scaled_dot_product_attention")
    aten: ClassVar[tuple[str, ...]] = ("scaled_dot_product_attention",)
    dropout_p: float = at.real(0.0, low=0, high=1)
    is_causal: bool = at.flag(False)
    scale: float | None = at.real(None, optional=True)
    enable_gqa: bool = at.flag(False)

    def infer(self, operands: Types) -> Types:
        query, key, value = operands[:3]
        if min(t.rank for t in (query, key, value)) < 2:
            raise at.diagnostic("attention needs [..., length, features] operands", f"not {query}", "rank")
        if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
            raise at.diagnostic(
                f"attention of query {query}, key {key}, value {value}",
                "expected query and key of one width, and key and value of one length",
                "shape-clash",
            )
        need_one_dtype(operands[:3], self.name)
        heads = self._heads(query, key, value)
        for mask in operands[3:]:
            scores = (*heads, query.shape[-2], key.shape[-2])
            if self.is_causal or mask.rank < 2 or broadcast_shapes([scores, mask.shape]) != scores:
                raise at.diagnostic(
                    f"attention with the mask {mask}{' and is_causal' * self.is_causal}",
                    f"expected one mask that broadcasts to {shape_text(scores)}",
                    "shape-clash",
                )
        return (query.with_shape(*heads, query.shape[-2], value.shape[-1]),)

    def _heads(self, query: TensorType, key: TensorType, value: TensorType) -> tuple[Dim, ...]:
        """Return the axes before length and features; grouped queries share the heads of keys and values."""
        shapes = [t.shape[:-2] for t in (query, key, value)]
        if not self.enable_gqa:
            return broadcast_shapes(shapes)
        if not all(shapes):
            raise at.diagnostic(f"grouped queries need heads, not {query}", "expected [..., heads, length, features]")
        for shape in shapes[1:]:
            need_multiple(shapes[0][-1], shape[-1], self.name)
        return (*broadcast_shapes([shape[:-1] for shape in shapes]), shapes[0][-1])

    def macs(self, operands: Types, results: Types) -> Dim:
        """Two matrix products: scores and their application to the values."""
        query, key, value = operands[:3]
        rows = results[0].numel // value.shape[-1] if value.shape[-1] != 0 else 0
        return rows * key.shape[-2] * (query.shape[-1] + value.shape[-1])
