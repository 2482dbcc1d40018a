"""Activation functions: element-wise, shape kept."""

from __future__ import annotations

from typing import ClassVar

from .. import attributes as at
from ..op import Call, Layer, OnnxNode, Op, Slot, Spelling, Types, declare
from .elementwise import Unary
from .rules import axes_of


class Activation(Op):
    """Any function applied to each element alone."""

    def infer(self, operands: Types) -> Types:
        return (operands[0],)


class AxisActivation(Activation):
    """A function along one axis that keeps the shape."""

    floating: ClassVar[bool] = True
    dim: int

    def infer(self, operands: Types) -> Types:
        axes_of((self.dim,), operands[0].rank)
        return (operands[0],)


@declare
class Relu(Activation):
    """``max(x, 0)``."""

    name: ClassVar[str] = "relu"
    torch: ClassVar[Spelling] = Call("F.relu")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Relu")
    aten: ClassVar[tuple[str, ...]] = ("relu",)


@declare
class Relu6(Activation):
    """``min(max(x, 0), 6)``."""

    name: ClassVar[str] = "relu6"
    torch: ClassVar[Spelling] = Call("F.relu6")
    aten: ClassVar[tuple[str, ...]] = ("relu6",)


@declare
class LeakyRelu(Activation):
    """``x`` where positive, else ``negative_slope * x``."""

    name: ClassVar[str] = "leaky_relu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.leaky_relu")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("LeakyRelu", (("alpha", "negative_slope"),))
    aten: ClassVar[tuple[str, ...]] = ("leaky_relu",)
    negative_slope: float = at.real(0.01)


@declare
class Prelu(Activation):
    """Leaky ReLU with a learned slope, one a channel or one for all."""

    name: ClassVar[str] = "prelu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.PReLU", ("num_parameters",))
    num_parameters: int = at.integer(1, low=1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        channels = x.shape[1] if x.rank > 1 else 1
        if self.num_parameters != 1 and isinstance(channels, int) and channels != self.num_parameters:
            raise at.diagnostic(f"prelu has {self.num_parameters} slopes for {x}", f"expected 1 or {channels}")
        return (x,)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return (Slot("weight", operands[0].with_shape(self.num_parameters)),)


@declare
class Elu(Activation):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""

    name: ClassVar[str] = "elu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.elu")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Elu", (("alpha", "alpha"),))
    aten: ClassVar[tuple[str, ...]] = ("elu",)
    alpha: float = at.real(1.0)


@declare
class Selu(Activation):
    """Scaled ELU."""

    name: ClassVar[str] = "selu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.selu")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Selu")
    aten: ClassVar[tuple[str, ...]] = ("selu",)


@declare
class Gelu(Activation):
    """``x * Phi(x)``; ``approximate="tanh"`` is the tanh formula."""

    name: ClassVar[str] = "gelu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.gelu")
    aten: ClassVar[tuple[str, ...]] = ("gelu",)
    approximate: str = at.word("none", "tanh", default="none")


@declare
class Silu(Activation):
    """``x * sigmoid(x)``, also called swish."""

    name: ClassVar[str] = "silu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.silu")
    aten: ClassVar[tuple[str, ...]] = ("silu",)


@declare
class Mish(Activation):
    """``x * tanh(softplus(x))``."""

    name: ClassVar[str] = "mish"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.mish")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Mish")
    aten: ClassVar[tuple[str, ...]] = ("mish",)


@declare
class Hardswish(Activation):
    """``x * relu6(x + 3) / 6``."""

    name: ClassVar[str] = "hardswish"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.hardswish")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("HardSwish")
    aten: ClassVar[tuple[str, ...]] = ("hardswish",)


@declare
class Hardsigmoid(Activation):
    """``relu6(x + 3) / 6``."""

    name: ClassVar[str] = "hardsigmoid"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.hardsigmoid")
    aten: ClassVar[tuple[str, ...]] = ("hardsigmoid",)


@declare
class Hardtanh(Activation):
    """``x`` clipped to ``[min_val, max_val]``."""

    name: ClassVar[str] = "hardtanh"
    torch: ClassVar[Spelling] = Call("F.hardtanh")
    aten: ClassVar[tuple[str, ...]] = ("hardtanh",)
    min_val: float = at.real(-1.0)
    max_val: float = at.real(1.0)

    def infer(self, operands: Types) -> Types:
        if self.min_val > self.max_val:
            raise at.diagnostic(f"hardtanh from {self.min_val} to {self.max_val}", "expected min_val <= max_val")
        return super().infer(operands)


@declare
class Sigmoid(Unary):
    """``1 / (1 + exp(-x))``."""

    name: ClassVar[str] = "sigmoid"
    torch: ClassVar[Spelling] = Call("torch.sigmoid")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Sigmoid")
    aten: ClassVar[tuple[str, ...]] = ("sigmoid",)


@declare
class Tanh(Unary):
    """Hyperbolic tangent."""

    name: ClassVar[str] = "tanh"
    torch: ClassVar[Spelling] = Call("torch.tanh")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Tanh")
    aten: ClassVar[tuple[str, ...]] = ("tanh",)


@declare
class Softplus(Activation):
    """``log(1 + exp(beta x)) / beta``."""

    name: ClassVar[str] = "softplus"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.softplus")
    aten: ClassVar[tuple[str, ...]] = ("softplus",)
    beta: float = at.real(1.0)
    threshold: float = at.real(20.0)


@declare
class Softmax(AxisActivation):
    """Exponentials divided by their sum along one axis."""

    name: ClassVar[str] = "softmax"
    torch: ClassVar[Spelling] = Call("F.softmax")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Softmax", (("axis", "dim"),))
    aten: ClassVar[tuple[str, ...]] = ("softmax.int",)
    dim: int = at.integer(-1)


@declare
class LogSoftmax(AxisActivation):
    """Logarithm of the softmax along one axis."""

    name: ClassVar[str] = "log_softmax"
    torch: ClassVar[Spelling] = Call("F.log_softmax")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("LogSoftmax", (("axis", "dim"),))
    aten: ClassVar[tuple[str, ...]] = ("log_softmax.int",)
    dim: int = at.integer(-1)


@declare
class Glu(Op):
    """One half of an axis times the sigmoid of the other."""

    name: ClassVar[str] = "glu"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.glu")
    aten: ClassVar[tuple[str, ...]] = ("glu",)
    dim: int = at.integer(-1)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        (axis,) = axes_of((self.dim,), x.rank)
        size = x.shape[axis]
        if isinstance(size, int) and size % 2:
            raise at.diagnostic(f"glu halves an axis of odd size {size}", "expected an even size")
        return (x.with_shape(*x.shape[:axis], size // 2, *x.shape[axis + 1 :]),)


@declare
class Dropout(Activation):
    """Zero elements at random with probability ``p`` in training; nothing in evaluation."""

    name: ClassVar[str] = "dropout"
    torch: ClassVar[Spelling] = Layer("nn.Dropout")
    p: float = at.real(0.5, low=0, high=1)


@declare
class FeatureDropout(Activation):
    """Zero whole channels at random with probability ``p`` in training; nothing in evaluation."""

    name: ClassVar[str] = "feature_dropout"
    torch: ClassVar[Spelling] = Layer("nn.Dropout2d")
    p: float = at.real(0.5, low=0, high=1)


@declare
class Identity(Activation):
    """The operand itself."""

    name: ClassVar[str] = "identity"
    torch: ClassVar[Spelling] = Layer("nn.Identity")
    onnx: ClassVar[OnnxNode | None] = OnnxNode("Identity")
