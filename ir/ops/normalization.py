"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .. import attributes as at
from ..dims import Dim
from ..op import Call, Layer, Op, Slot, Spelling, Types, declare
from ..types import DType, TensorType
from .rules import axes_of, shape_text


@declare
class BatchNorm(Op):
    """Normalise each channel (axis 1) over the batch; running statistics are used in evaluation mode."""

    name: ClassVar[str] = "batch_norm"
    floating: ClassVar[bool] = True
    eps: float = at.real(1e-5, low=0)
    momentum: float | None = at.real(0.1, low=0, high=1, optional=True)
    affine: bool = at.flag(True)
    track_running_stats: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if x.rank not in (2, 3, 4, 5):
            raise at.diagnostic(f"batch_norm needs an input of rank 2 to 5, not {x}", "expected [N,C,...]", "rank")
        return (x,)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        channels = operands[0].with_shape(operands[0].shape[1])
        slots: tuple[Slot, ...] = ()
        if self.affine:
            slots += (Slot("weight", channels), Slot("bias", channels))
        if self.track_running_stats:
            slots += (
                Slot("running_mean", channels, buffer=True),
                Slot("running_var", channels, buffer=True),
                Slot("num_batches_tracked", TensorType(DType.I64, ()), buffer=True),
            )
        return slots

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        return {"num_features": operands[0].shape[1]}


def _affine(x: TensorType, shape: tuple[Dim, ...], weight: bool, bias: bool) -> tuple[Slot, ...]:
    slots = (Slot("weight", x.with_shape(*shape)),) if weight else ()
    return (*slots, Slot("bias", x.with_shape(*shape))) if bias else slots


@declare
class LayerNorm(Op):
    """Normalise over the last axes, whose sizes are ``normalized_shape``."""

    name: ClassVar[str] = "layer_norm"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.LayerNorm", ("normalized_shape",))
    normalized_shape: tuple[Dim, ...] = at.dims(low=1)
    eps: float = at.real(1e-5, low=0)
    elementwise_affine: bool = at.flag(True)
    bias: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        return (_last_axes(operands[0], self.normalized_shape, self.name),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        affine = self.elementwise_affine
        return _affine(operands[0], self.normalized_shape, affine, affine and self.bias)


@declare
class RmsNorm(Op):
    """Divide by the root mean square over the last axes."""

    name: ClassVar[str] = "rms_norm"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.RMSNorm", ("normalized_shape",))
    normalized_shape: tuple[Dim, ...] = at.dims(low=1)
    eps: float | None = at.real(None, low=0, optional=True)
    elementwise_affine: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        return (_last_axes(operands[0], self.normalized_shape, self.name),)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return _affine(operands[0], self.normalized_shape, self.elementwise_affine, bias=False)


@declare
class GroupNorm(Op):
    """Normalise groups of channels (axis 1) of each sample."""

    name: ClassVar[str] = "group_norm"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Layer("nn.GroupNorm", ("num_groups", "num_channels"))
    num_groups: Dim = at.dim(low=1)
    eps: float = at.real(1e-5, low=0)
    affine: bool = at.flag(True)

    def infer(self, operands: Types) -> Types:
        x = operands[0]
        if x.rank < 2:
            raise at.diagnostic(f"group_norm needs [N,C,...], not {x}", code="rank")
        channels = x.shape[1]
        if isinstance(channels, int) and isinstance(self.num_groups, int) and channels % self.num_groups:
            raise at.diagnostic(
                f"num_groups={self.num_groups} does not divide the {channels} channels",
                f"expected a divisor of {channels}",
                "groups",
            )
        return (x,)

    def state(self, operands: Types) -> tuple[Slot, ...]:
        return _affine(operands[0], (operands[0].shape[1],), self.affine, self.affine)

    def layer_arguments(self, operands: Types) -> Mapping[str, object]:
        return {"num_channels": operands[0].shape[1]}


@declare
class Normalize(Op):
    """Divide by the p-norm along one axis, as ``F.normalize``."""

    name: ClassVar[str] = "normalize"
    floating: ClassVar[bool] = True
    torch: ClassVar[Spelling] = Call("F.normalize")
    p: float = at.real(2.0, low=0)
    dim: int = at.integer(1)
    eps: float = at.real(1e-12, low=0)

    def infer(self, operands: Types) -> Types:
        axes_of((self.dim,), operands[0].rank)
        return (operands[0],)


def _last_axes(x: TensorType, shape: tuple[Dim, ...], name: str) -> TensorType:
    if not shape:
        raise at.diagnostic(f"{name} normalises no axis", f"expected sizes that {x} ends in", "shape-clash")
    if len(shape) > x.rank or x.shape[x.rank - len(shape) :] != shape:
        ends = shape_text(x.shape[x.rank - len(shape) :] if len(shape) <= x.rank else x.shape)
        raise at.diagnostic(
            f"{name} normalises {shape_text(shape)} but its input {x} ends in {ends}",
            f"expected normalized_shape={ends}",
            "shape-clash",
        )
    return x
