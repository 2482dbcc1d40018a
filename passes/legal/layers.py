"""Repairs of layers by their attributes: groups, kernels, padding, what a normalisation normalises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd

from ...ir import Dim, Node, Op
from ...ir.ops.activation import Prelu
from ...ir.ops.convolution import Convolution, Unfold
from ...ir.ops.normalization import GroupNorm, LayerNorm, RmsNorm
from ...ir.ops.pooling import WindowPool
from .workspace import Workspace, repaired


def follow_channels(work: Workspace, node: Node) -> Node:
    """Return a layer with one weight a channel for the channels that it is given; others as they are."""
    if not node.operands or not work.changed(node.operands[0]):
        return node
    x, op = work.type(node.operands[0]), node.op
    if isinstance(op, Convolution) and x.rank == op.rank + 2 and len(node.operands) == 1:
        depthwise = op.groups == op.out_channels and op.groups != 1
        if depthwise and x.shape[1] != op.groups:
            return repaired(node, op.replace(groups=x.shape[1], out_channels=x.shape[1]))
    if isinstance(op, Prelu) and x.rank > 1 and op.num_parameters not in (1, x.shape[1]):
        channels = x.shape[1]
        return repaired(node, op.replace(num_parameters=channels if isinstance(channels, int) else 1))
    return node


def attributes(work: Workspace, node: Node) -> Node | None:
    """Return a layer with attributes that its operand admits; None where they are not at fault."""
    if not node.operands:
        return None
    x, op = work.type(node.operands[0]), node.op
    new: Op = op
    if isinstance(op, Convolution) and x.rank == op.rank + 2:
        groups = _divisor(op.groups, [n for dim in (x.shape[1], op.out_channels) for n in work.numbers(dim)])
        new = _window(work, op.replace(groups=groups), x.shape[2:])
    elif isinstance(op, WindowPool) and x.rank == op.rank + 2:
        padding = tuple(_at_most(p, k, 2) for p, k in zip(op.padding, op.kernel_size, strict=True))
        new = _window(work, op.replace(padding=padding), x.shape[2:])
    elif isinstance(op, Unfold) and x.rank == 4:
        new = _window(work, op, x.shape[2:])
    elif isinstance(op, GroupNorm) and x.rank > 1:
        new = op.replace(num_groups=_divisor(op.num_groups, work.numbers(x.shape[1])))
    elif isinstance(op, LayerNorm | RmsNorm) and x.rank:
        axes = min(len(op.normalized_shape), x.rank)
        new = op.replace(normalized_shape=x.shape[x.rank - axes :])
    return repaired(node, new) if new != op else None


def weights_as_values(work: Workspace, node: Node) -> Node | None:
    """Return a layer whose weights are operands with the attributes, and the data, that those weights want."""
    from .projection import adapt

    if len(node.operands) < 2 or node.op.name not in ("conv2d", "conv1d", "linear", "layer_norm"):
        return None
    x, weight = work.type(node.operands[0]), work.type(node.operands[1])
    if node.op.name == "linear":
        new, want = node.op.replace(out_features=weight.shape[0]), (*x.shape[:-1], weight.shape[1])
    elif node.op.name == "layer_norm":
        new = node.op.replace(normalized_shape=weight.shape)
        want = (*x.shape[: x.rank - weight.rank], *weight.shape)
    else:
        assert isinstance(node.op, Convolution)
        new = node.op.replace(out_channels=weight.shape[0], kernel_size=weight.shape[2:])
        want = (x.shape[0], weight.shape[1] * node.op.groups, *x.shape[2:])
    data = adapt(work, node.operands[0], x.with_shape(*want))
    fixed = repaired(node, new)
    return replace(fixed, operands=(data, *node.operands[1:])) if fixed != node or data != node.operands[0] else None


def _divisor(groups: Dim, channels: Sequence[int]) -> Dim:
    """Return the largest divisor of the groups that divides the channels."""
    return gcd(groups, *channels) if isinstance(groups, int) else groups


def _window(work: Workspace, op: Op, space: tuple[Dim, ...]) -> Op:
    """Return a sliding window that fits into a map of any size that it has, its dilation given up first."""
    attributes = op.attributes()
    kernel, padding = _many(attributes["kernel_size"]), _many(attributes["padding"])
    dilation = _many(attributes.get("dilation", (1,) * len(kernel)))
    room = [_room(work, size, p) for size, p in zip(space, padding, strict=True)]
    fits = [
        all(n >= 0 for n in work.numbers(size + 2 * p - d * (k - 1) - 1))
        for size, p, d, k in zip(space, padding, dilation, kernel, strict=True)
    ]
    if all(fits):
        return op
    if not all(isinstance(k, int) for k in kernel):
        return op.replace(padding=tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)))
    smaller = tuple(k if ok else _at_most(k, free, 1) for k, free, ok in zip(kernel, room, fits, strict=True))
    changes: dict[str, object] = {"kernel_size": smaller}
    if "dilation" in attributes:
        changes["dilation"] = tuple(d if ok else 1 for d, ok in zip(dilation, fits, strict=True))
    if "stride" in attributes and attributes["stride"] is None:
        changes["stride"] = kernel
    if isinstance(op, WindowPool):
        changes["padding"] = tuple(_at_most(p, k, 2) for p, k in zip(padding, smaller, strict=True))
    return op.replace(**changes)


def _room(work: Workspace, size: Dim, padding: Dim) -> Dim:
    """Return the least size of a map with its padding; a symbol where no call is known."""
    known = work.numbers(size + 2 * padding)
    return min(known) if known else size + 2 * padding


def _at_most(value: Dim, bound: Dim, divisor: int) -> Dim:
    if isinstance(value, int) and isinstance(bound, int):
        return max(min(value, bound // divisor), 0 if divisor == 2 else 1)
    return value


def _many(value: object) -> tuple[Dim, ...]:
    assert isinstance(value, tuple)
    return value  # pyright: ignore[reportUnknownVariableType]
