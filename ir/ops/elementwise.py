"""Element-wise arithmetic, comparison and choice; the second operand may be a number (``other``)."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..op import Call, Infix, Method, OnnxNode, Op, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import broadcast_shapes, promote


def scalar_dtype(x: TensorType, number: object) -> DType:
    """Return the dtype of arithmetic of a tensor and a number."""
    if isinstance(number, float) and x.dtype.rank < DType.F16.rank:
        return DType.F32
    return DType.I64 if x.dtype is DType.BOOL and not isinstance(number, bool) else x.dtype


class Unary(Op):
    """A function of each element alone; integers become floats."""

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        return (x if x.dtype.is_floating or x.dtype is DType.C64 else TensorType(DType.F32, x.shape),)


class Pairwise(Op):
    """A function of two broadcast operands."""

    operands: ClassVar[tuple[str, ...]] = ("x", "y")

    def infer(self, operands: Types) -> Types:
        return (TensorType(promote(*operands), broadcast_shapes([t.shape for t in operands])),)


class Binary(Op):
    """A function of two broadcast operands, or of one operand and the number ``other``."""

    operands: ClassVar[tuple[str, ...]] = ("x", "y?")
    other: float | int | None

    def infer(self, operands: Types) -> Types:
        if (len(operands) == 2) == (self.other is not None):
            raise at.diagnostic(
                f"{self.name} takes a second operand or other=, and not both",
                f"write `{self.name} %a, %b` or `{self.name} %a {{other=2}}`",
                "operands",
            )
        if len(operands) == 2:
            return (TensorType(self.result_dtype(operands), broadcast_shapes([t.shape for t in operands])),)
        return (TensorType(self.scalar_dtype(operands[0]), operands[0].shape),)

    def result_dtype(self, operands: Types) -> DType:
        """Return the dtype of the result for two tensors."""
        return promote(*operands)

    def scalar_dtype(self, x: TensorType) -> DType:
        """Return the dtype of the result for a tensor and a number."""
        return scalar_dtype(x, self.other)


class Comparison(Binary):
    """A comparison, with truth values as result."""

    def result_dtype(self, operands: Types) -> DType:
        return DType.BOOL

    def scalar_dtype(self, x: TensorType) -> DType:
        return DType.BOOL


class Quotient(Binary):
    """A division, with floats as result."""

    def result_dtype(self, operands: Types) -> DType:
        best = promote(*operands)
        return best if best.rank >= DType.F16.rank else DType.F32

    def scalar_dtype(self, x: TensorType) -> DType:
        return x.dtype if x.dtype.rank >= DType.F16.rank else DType.F32


@declare
class Add(Binary):
    """Sum."""

    name: ClassVar[str] = "add"
    torch: ClassVar[Spelling] = Infix("+")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Add")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


class Difference(Binary):
    """A difference, which truth values have none of."""

    def infer(self, operands: Types) -> Types:
        if isinstance(self.other, bool) or any(t.dtype is DType.BOOL for t in operands):
            raise at.diagnostic(f"{self.name} of truth values", "cast them first, or use logical_not", "dtype")
        return super().infer(operands)


@declare
class Sub(Difference):
    """Difference."""

    name: ClassVar[str] = "sub"
    torch: ClassVar[Spelling] = Infix("-")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Sub")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Rsub(Difference):
    """The number ``other`` minus the operand, or the second operand minus the first."""

    name: ClassVar[str] = "rsub"
    torch: ClassVar[Spelling] = Call("torch.rsub", ("other",))
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Mul(Binary):
    """Product."""

    name: ClassVar[str] = "mul"
    torch: ClassVar[Spelling] = Infix("*")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Mul")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Div(Quotient):
    """Quotient."""

    name: ClassVar[str] = "div"
    torch: ClassVar[Spelling] = Infix("/")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Div")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class FloorDivide(Binary):
    """Quotient rounded down."""

    name: ClassVar[str] = "floor_divide"
    torch: ClassVar[Spelling] = Infix("//")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Remainder(Binary):
    """Remainder of the floored quotient."""

    name: ClassVar[str] = "remainder"
    torch: ClassVar[Spelling] = Infix("%")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Pow(Binary):
    """Power."""

    name: ClassVar[str] = "pow"
    torch: ClassVar[Spelling] = Infix("**")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Pow")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Maximum(Pairwise):
    """The larger of two, element by element."""

    name: ClassVar[str] = "maximum"
    torch: ClassVar[Spelling] = Call("torch.maximum")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Max")
    aten: ClassVar[tuple[str, ...]] = ("maximum", "max.other")
    commutative: ClassVar[bool] = True


@declare
class Minimum(Pairwise):
    """The smaller of two, element by element."""

    name: ClassVar[str] = "minimum"
    torch: ClassVar[Spelling] = Call("torch.minimum")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Min")
    aten: ClassVar[tuple[str, ...]] = ("minimum", "min.other")
    commutative: ClassVar[bool] = True


@declare
class Eq(Comparison):
    """Whether equal."""

    name: ClassVar[str] = "eq"
    torch: ClassVar[Spelling] = Infix("==")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Equal")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Ne(Comparison):
    """Whether different."""

    name: ClassVar[str] = "ne"
    torch: ClassVar[Spelling] = Infix("!=")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Lt(Comparison):
    """Whether less."""

    name: ClassVar[str] = "lt"
    torch: ClassVar[Spelling] = Infix("<")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Less")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Le(Comparison):
    """Whether less or equal."""

    name: ClassVar[str] = "le"
    torch: ClassVar[Spelling] = Infix("<=")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("LessOrEqual")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Gt(Comparison):
    """Whether greater."""

    name: ClassVar[str] = "gt"
    torch: ClassVar[Spelling] = Infix(">")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Greater")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class Ge(Comparison):
    """Whether greater or equal."""

    name: ClassVar[str] = "ge"
    torch: ClassVar[Spelling] = Infix(">=")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("GreaterOrEqual")
    other: float | int | None = at.scalar(None, optional=True)


@declare
class LogicalAnd(Comparison):
    """Whether both hold."""

    name: ClassVar[str] = "logical_and"
    torch: ClassVar[Spelling] = Call("torch.logical_and")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("And")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


@declare
class LogicalOr(Comparison):
    """Whether one holds."""

    name: ClassVar[str] = "logical_or"
    torch: ClassVar[Spelling] = Call("torch.logical_or")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Or")
    commutative: ClassVar[bool] = True
    other: float | int | None = at.scalar(None, optional=True)


@declare
class LogicalNot(Op):
    """Negation of truth values."""

    name: ClassVar[str] = "logical_not"
    torch: ClassVar[Spelling] = Call("torch.logical_not")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Not")
    aten: ClassVar[tuple[str, ...]] = ("logical_not", "bitwise_not")

    def infer(self, operands: Types) -> Types:
        return (TensorType(DType.BOOL, operands[0].shape),)


@declare
class Where(Op):
    """``x`` where the condition holds, else ``y``."""

    name: ClassVar[str] = "where"
    operands: ClassVar[tuple[str, ...]] = ("condition", "x", "y")
    torch: ClassVar[Spelling] = Call("torch.where")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Where")
    aten: ClassVar[tuple[str, ...]] = ("where.self",)

    def infer(self, operands: Types) -> Types:
        condition, x, y = operands
        if condition.dtype is not DType.BOOL:
            raise at.diagnostic(f"where needs truth values as condition, not {condition}", "compare first", "dtype")
        return (TensorType(promote(x, y), broadcast_shapes([t.shape for t in operands])),)


@declare
class MaskedFill(Op):
    """``value`` where the mask holds, else ``x``."""

    name: ClassVar[str] = "masked_fill"
    operands: ClassVar[tuple[str, ...]] = ("x", "mask")
    torch: ClassVar[Spelling] = Method("masked_fill", ("value",))
    aten: ClassVar[tuple[str, ...]] = ("masked_fill.Scalar",)
    value: float | int = at.scalar()

    def infer(self, operands: Types) -> Types:
        x, mask = operands
        if mask.dtype is not DType.BOOL:
            raise at.diagnostic(f"masked_fill needs truth values as mask, not {mask}", "compare first", "dtype")
        return (x.with_shape(*broadcast_shapes([x.shape, mask.shape])),)


@declare
class Clamp(Op):
    """``x`` clipped to ``[min, max]``."""

    name: ClassVar[str] = "clamp"
    torch: ClassVar[Spelling] = Call("torch.clamp")
    aten: ClassVar[tuple[str, ...]] = ("clamp", "clip", "clamp_min", "clamp_max")
    min: float | int | None = at.scalar(None, optional=True)
    max: float | int | None = at.scalar(None, optional=True)

    def infer(self, operands: Types) -> Types:
        if self.min is None and self.max is None:
            raise at.diagnostic("clamp has no bounds", "expected min=, max= or both", "missing-attribute")
        x = operands[0]
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        return (TensorType(max((scalar_dtype(x, bound) for bound in bounds), key=lambda t: t.rank), x.shape),)


@declare
class Cast(Op):
    """The operand in another dtype."""

    name: ClassVar[str] = "cast"
    torch: ClassVar[Spelling] = Method("to", ("dtype",))
    dtype: DType = at.dtype()

    def infer(self, operands: Types) -> Types:
        return (TensorType(self.dtype, operands[0].shape),)


@declare
class Neg(Op):
    """``-x``."""

    name: ClassVar[str] = "neg"
    torch: ClassVar[Spelling] = Call("torch.neg")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Neg")
    aten: ClassVar[tuple[str, ...]] = ("neg",)

    def infer(self, operands: Types) -> Types:
        if operands[0].dtype is DType.BOOL:
            raise at.diagnostic(f"neg needs numbers, not {operands[0]}", "use logical_not", "dtype")
        return (operands[0],)


@declare
class Abs(Op):
    """Absolute value."""

    name: ClassVar[str] = "abs"
    torch: ClassVar[Spelling] = Call("torch.abs")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Abs")
    aten: ClassVar[tuple[str, ...]] = ("abs",)

    def infer(self, operands: Types) -> Types:
        return (operands[0],)
