"""Mathematical functions of each element."""

from __future__ import annotations

from typing import ClassVar

from ..op import Call, OnnxNode, Op, Spelling, Types, declare
from .elementwise import Unary


@declare
class Exp(Unary):
    """``e ** x``."""

    name: ClassVar[str] = "exp"
    torch: ClassVar[Spelling] = Call("torch.exp")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Exp")
    aten: ClassVar[tuple[str, ...]] = ("exp",)


@declare
class Log(Unary):
    """Natural logarithm."""

    name: ClassVar[str] = "log"
    torch: ClassVar[Spelling] = Call("torch.log")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Log")
    aten: ClassVar[tuple[str, ...]] = ("log",)


@declare
class Sqrt(Unary):
    """Square root."""

    name: ClassVar[str] = "sqrt"
    torch: ClassVar[Spelling] = Call("torch.sqrt")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Sqrt")
    aten: ClassVar[tuple[str, ...]] = ("sqrt",)


@declare
class Rsqrt(Unary):
    """``1 / sqrt(x)``."""

    name: ClassVar[str] = "rsqrt"
    torch: ClassVar[Spelling] = Call("torch.rsqrt")
    aten: ClassVar[tuple[str, ...]] = ("rsqrt",)


@declare
class Reciprocal(Unary):
    """``1 / x``."""

    name: ClassVar[str] = "reciprocal"
    torch: ClassVar[Spelling] = Call("torch.reciprocal")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Reciprocal")
    aten: ClassVar[tuple[str, ...]] = ("reciprocal",)


@declare
class Erf(Unary):
    """Gauss error function."""

    name: ClassVar[str] = "erf"
    torch: ClassVar[Spelling] = Call("torch.erf")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Erf")
    aten: ClassVar[tuple[str, ...]] = ("erf",)


@declare
class Sin(Unary):
    """Sine."""

    name: ClassVar[str] = "sin"
    torch: ClassVar[Spelling] = Call("torch.sin")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Sin")
    aten: ClassVar[tuple[str, ...]] = ("sin",)


@declare
class Cos(Unary):
    """Cosine."""

    name: ClassVar[str] = "cos"
    torch: ClassVar[Spelling] = Call("torch.cos")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Cos")
    aten: ClassVar[tuple[str, ...]] = ("cos",)


@declare
class Floor(Op):
    """Largest integer not above; integers stay as they are."""

    name: ClassVar[str] = "floor"
    torch: ClassVar[Spelling] = Call("torch.floor")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Floor")
    aten: ClassVar[tuple[str, ...]] = ("floor",)

    def infer(self, operands: Types) -> Types:
        return (operands[0],)


@declare
class Log1p(Unary):
    """``log(1 + x)``."""

    name: ClassVar[str] = "log1p"
    torch: ClassVar[Spelling] = Call("torch.log1p")
    aten: ClassVar[tuple[str, ...]] = ("log1p",)


@declare
class Expm1(Unary):
    """``exp(x) - 1``."""

    name: ClassVar[str] = "expm1"
    torch: ClassVar[Spelling] = Call("torch.expm1")
    aten: ClassVar[tuple[str, ...]] = ("expm1",)


@declare
class Tan(Unary):
    """Tangent."""

    name: ClassVar[str] = "tan"
    torch: ClassVar[Spelling] = Call("torch.tan")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Tan")
    aten: ClassVar[tuple[str, ...]] = ("tan",)


@declare
class Atan(Unary):
    """Inverse tangent."""

    name: ClassVar[str] = "atan"
    torch: ClassVar[Spelling] = Call("torch.atan")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Atan")
    aten: ClassVar[tuple[str, ...]] = ("atan",)


@declare
class Ceil(Op):
    """Smallest integer not below; integers stay as they are."""

    name: ClassVar[str] = "ceil"
    torch: ClassVar[Spelling] = Call("torch.ceil")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Ceil")
    aten: ClassVar[tuple[str, ...]] = ("ceil",)

    def infer(self, operands: Types) -> Types:
        return (operands[0],)


@declare
class Round(Op):
    """Nearest integer, halves to the even one; integers stay as they are."""

    name: ClassVar[str] = "round"
    torch: ClassVar[Spelling] = Call("torch.round")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Round")
    aten: ClassVar[tuple[str, ...]] = ("round",)

    def infer(self, operands: Types) -> Types:
        return (operands[0],)


@declare
class Sign(Op):
    """-1, 0 or 1 by the sign."""

    name: ClassVar[str] = "sign"
    torch: ClassVar[Spelling] = Call("torch.sign")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Sign")
    aten: ClassVar[tuple[str, ...]] = ("sign",)

    def infer(self, operands: Types) -> Types:
        return (operands[0],)
