"""The numbers of one node for a batch of one: sizes, kernel, parameters and multiply-accumulates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from ..ir import Dim, Op, TensorType, arity, evaluate
from ..ir.op import Types
from .kinds import JOINING, KIND_OF, Kind


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a node from its op and the types around it."""

    kind: Kind
    params: float
    macs: float
    kernel: float
    groups: float
    inputs: float
    channels: float
    positions: float
    bias: bool


@lru_cache(maxsize=65536)
def signature(op: Op, operands: Types, results: Types) -> Signature:
    """Return the signature of one application of an op; symbols count as 1."""
    kind = _kind(op, operands)
    shape = _sizes(results[0])
    channels = _channels(op, shape)
    size = float(max(prod(shape), 1))
    positions = size / max(channels, 1)
    return Signature(
        kind=kind,
        params=_params(op, operands),
        macs=float(evaluate(op.macs(operands[: _named(op, operands)], results))) if operands else 0.0,
        kernel=positions if op.name in RECURRENT else _area(getattr(op, "kernel_size", None)),
        groups=float(_number(getattr(op, "groups", 1))),
        inputs=float(_channels(op, _sizes(operands[0]))) if operands else 1.0,
        channels=float(channels),
        positions=positions,
        bias=bool(getattr(op, "bias", False)),
    )


def _kind(op: Op, operands: Types) -> Kind:
    kind = KIND_OF.get(op.name, Kind.PASS)
    other = getattr(op, "other", None)
    if op.name == "mul" and other is not None and other == 0:
        return Kind.ZERO
    return Kind.PASS if kind in JOINING and len(operands) < 2 else kind


def _number(value: object) -> int:
    return evaluate(value) if value is not None else 1  # type: ignore[arg-type]


def _area(kernel: tuple[Dim, ...] | None) -> float:
    return float(prod(evaluate(size) for size in kernel)) if kernel else 1.0


def _sizes(type: TensorType) -> list[int]:
    return [evaluate(size) for size in type.shape]


def _channels(op: Op, shape: list[int]) -> int:
    """Return the size of the feature axis: the second of a feature map, else the last."""
    if not shape:
        return 1
    image = op.name.startswith(("conv", "batch_norm", "max_pool", "avg_pool", "adaptive"))
    if image or (op.name not in LAST_AXIS and len(shape) == 4):
        return shape[1] if len(shape) > 1 else shape[0]
    return shape[-1]


LAST_AXIS = frozenset({"linear", "layer_norm", "rms_norm", "scaled_dot_product_attention", "matmul", "embedding"})
"""Ops whose features stand on the last axis whatever the rank."""


RECURRENT = frozenset({"lstm", "gru", "rnn"})
"""Ops that read all positions, like a convolution whose kernel is as long as the sequence."""


def _named(op: Op, operands: Types) -> int:
    most = arity(type(op))[1]
    return len(operands) if most is None else most


def _params(op: Op, operands: Types) -> float:
    """Return the trained numbers that the op owns; state given as operands belongs to the nodes giving it."""
    if len(operands) > _named(op, operands):
        return 0.0
    return float(sum(evaluate(slot.type.numel) for slot in op.state(operands) if not slot.buffer))
