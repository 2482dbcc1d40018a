"""PyTorch's sizes and dtypes as those of the IR: sympy expressions become dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
import torch
from torch.utils._sympy.functions import CleanDiv, FloorDiv, Mod, PythonMod

from ...ir import Dim, DType, NascError, TensorType, symbol

DTYPES: Mapping[torch.dtype, DType] = {
    torch.float64: DType.F64,
    torch.float32: DType.F32,
    torch.float16: DType.F16,
    torch.bfloat16: DType.BF16,
    torch.int64: DType.I64,
    torch.int32: DType.I32,
    torch.int16: DType.I16,
    torch.int8: DType.I8,
    torch.uint8: DType.U8,
    torch.bool: DType.BOOL,
    torch.complex64: DType.C64,
}
TORCH_DTYPES: Mapping[DType, torch.dtype] = {ours: theirs for theirs, ours in DTYPES.items()}


def dtype_of(dtype: torch.dtype) -> DType:
    """Return the IR's name of a dtype. Raises NascError for one that the IR does not have."""
    if dtype not in DTYPES:
        known = ", ".join(t.value for t in DType)
        raise NascError.of(f"tensors of {dtype} cannot be expressed", f"expected one of {known}", "dtype")
    return DTYPES[dtype]


class Sizes:
    """Translates sizes; every symbol of torch.export that stands for the batch has a name in the IR."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the IR's name of each of torch's symbols."""
        self._names = names
        self._known: dict[Any, Dim] = {}

    def dim(self, size: Any) -> Dim:
        """Return a size (int or SymInt) as a dimension. Raises NascError where it cannot be expressed."""
        if isinstance(size, int):
            return int(size)
        expression = sympy.sympify(size.node.expr)
        if expression not in self._known:
            self._known[expression] = self._expression(expression)
        return self._known[expression]

    def type(self, tensor: torch.Tensor) -> TensorType:
        """Return the type of a tensor."""
        return TensorType(dtype_of(tensor.dtype), tuple(self.dim(size) for size in tensor.shape))

    def _expression(self, e: Any) -> Dim:
        if isinstance(e, sympy.Integer):
            return int(e)
        if isinstance(e, sympy.Symbol):
            return symbol(self._names.get(str(e), str(e)))
        parts = [self._expression(part) for part in e.args]
        if isinstance(e, sympy.Add | sympy.Mul):
            return self._fold(parts, add=isinstance(e, sympy.Add))
        if isinstance(e, sympy.Pow) and isinstance(parts[1], int) and parts[1] > 0:
            return self._fold([parts[0]] * parts[1], add=False)
        if isinstance(e, FloorDiv | CleanDiv):
            return parts[0] // parts[1]
        if isinstance(e, Mod | PythonMod):
            return parts[0] - parts[0] // parts[1] * parts[1]
        raise NascError.of(
            f"the size {e} cannot be expressed as a dimension",
            "only sums, products and floored quotients of the batch can; lower with a static batch",
            "size",
        )

    @staticmethod
    def _fold(parts: list[Dim], *, add: bool) -> Dim:
        total = parts[0]
        for part in parts[1:]:
            total = total + part if add else total * part
        return total
