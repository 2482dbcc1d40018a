"""Projections: the nodes that turn a value of one type into another type.

Channels go through a 1x1 convolution or a linear layer, with the stride that makes up the ratio of the sizes where
there is one; sizes alone through pooling, resampling or expansion, which have no weights. What fits neither is
averaged over equal parts of all its elements, one sample at a time.
"""

from __future__ import annotations

from ...ir import Dim, NascError, TensorType, evaluate, numel, symbol, symbols_of
from ...ir.ops.rules import window
from .workspace import Workspace

MAX_STRIDE = 32
LARGE = 1024


def adapt(work: Workspace, value: str, want: TensorType) -> str:
    """Return a value of type ``want`` made from another. Raises NascError where there is no way."""
    have = work.type(value)
    if have.dtype != want.dtype:
        value = work.emit("cast", value, dtype=want.dtype)
    if have.rank != want.rank:
        value = to_rank(work, value, want.rank)
    differing = [a for a, (x, y) in enumerate(zip(work.type(value).shape, want.shape, strict=True)) if x != y]
    if not differing:
        return value
    if _moves_batch(work, work.type(value), want, differing) or not want.dtype.is_floating:
        return _with_batch(work, value, want)
    if want.rank == 4 and differing != [3] and (1 in differing or 3 in differing) and differing != [1, 2]:
        return _feature_map(work, value, want)
    if want.rank == 3 and work.has_conv1d:
        return _signal(work, value, want)
    if want.rank - 1 in differing:
        value = work.emit("linear", value, out_features=want.shape[-1])
    return _other_axes(work, value, want)


def _moves_batch(work: Workspace, have: TensorType, want: TensorType, axes: list[int]) -> bool:
    return any(symbols_of(dim) & work.batch for a in axes for dim in (have.shape[a], want.shape[a]))


def _with_batch(work: Workspace, value: str, want: TensorType) -> str:
    """Repeat a value over the batch where it has none, else resample it."""
    have = work.type(value).shape
    plain = [1 if h == 1 and symbols_of(w) & work.batch else w for h, w in zip(have, want.shape, strict=True)]
    if tuple(plain) == want.shape:
        return resample(work, value, want)
    return work.emit("expand", adapt(work, value, want.with_shape(*plain)), shape=want.shape)


def to_rank(work: Workspace, value: str, rank: int) -> str:
    """Return a value with the elements of another, or their means, on so many axes."""
    x = work.type(value)
    shape, last = x.shape, x.rank
    tokens = not work.has_conv1d
    if (last, rank) == (4, 2):
        return work.emit("flatten", work.emit("adaptive_avg_pool2d", value, output_size=1), start_dim=1)
    if (last, rank) == (4, 3):
        value = work.emit("flatten", value, start_dim=2)
        return work.emit("permute", value, dims=(0, 2, 1)) if tokens else value
    if (last, rank) == (3, 4):
        if tokens:
            value = work.emit("permute", value, dims=(0, 2, 1))
            shape = work.type(value).shape
        return work.emit("reshape", value, shape=(*shape, 1))
    if (last, rank) == (3, 2):
        return work.emit("mean", value, dim=1 if tokens else 2)
    if (last, rank) == (2, 3):
        return work.emit("reshape", value, shape=(shape[0], 1, shape[1]) if tokens else (*shape, 1))
    if last < rank:
        return work.emit("reshape", value, shape=(*shape, *(1,) * (rank - last)))
    return work.emit("reshape", value, shape=(*shape[: rank - 1], numel(shape[rank - 1 :])) if rank else ())


def resample(work: Workspace, value: str, want: TensorType) -> str:
    """Return a value of another shape: means over equal parts of the elements of each sample."""
    have = work.type(value)
    if not have.dtype.is_floating:
        raise NascError.of(f"{have} cannot become {want}", "only floating-point values are resampled", "legalize")
    batch: Dim = symbol(min(work.batch)) if len(work.batch) == 1 else 1
    sizes = [numel(have.shape) // batch, numel(want.shape) // batch]
    if any(size * batch != numel(t.shape) for size, t in zip(sizes, (have, want), strict=True)):
        raise NascError.of(
            f"{have} cannot become {want}: one has the batch {batch} and the other has not",
            "keep the batch where it is",
            "legalize",
        )
    if sizes[0] != sizes[1]:
        value = work.emit("reshape", value, shape=(batch, 1, sizes[0]))
        value = work.emit("adaptive_avg_pool1d", value, output_size=sizes[1])
    return work.emit("reshape", value, shape=want.shape)


def _feature_map(work: Workspace, value: str, want: TensorType) -> str:
    """Adapt ``[N,C,H,W]``."""
    have = work.type(value)
    channels, space = want.shape[1], want.shape[2:]
    if have.shape[1] == channels:
        return _spatial(work, value, want)
    stride = _stride(work, have, want)
    if stride is not None:
        return work.emit("conv2d", value, out_channels=channels, kernel_size=1, stride=stride, bias=False)
    if not _grows(have.shape[2:], space):
        value = _spatial(work, value, have.with_shape(*have.shape[:2], *space))
    value = work.emit("conv2d", value, out_channels=channels, kernel_size=1, bias=False)
    return _spatial(work, value, want)


def _stride(work: Workspace, have: TensorType, want: TensorType) -> tuple[Dim, ...] | None:
    """Return the strides with which a 1x1 convolution makes up the ratio of the sizes."""
    candidates = [*range(1, MAX_STRIDE + 1), *work.solve_for(want.shape)]
    found = [
        next((s for s in candidates if window(size, 1, s, 0, 1) == goal), None)
        for size, goal in zip(have.shape[2:], want.shape[2:], strict=True)
    ]
    strides = tuple(s for s in found if s is not None)
    return strides if len(strides) == len(found) else None


def _spatial(work: Workspace, value: str, want: TensorType) -> str:
    have = work.type(value)
    if have == want:
        return value
    if all(size in (1, goal) for size, goal in zip(have.shape[2:], want.shape[2:], strict=True)):
        return work.emit("expand", value, shape=want.shape)
    if _grows(have.shape[2:], want.shape[2:]):
        return work.emit("interpolate", value, size=want.shape[2:])
    return work.emit("adaptive_avg_pool2d", value, output_size=want.shape[2:])


def _grows(have: tuple[Dim, ...], want: tuple[Dim, ...]) -> bool:
    """Return whether a size grows, symbols taken as large."""
    return any(evaluate(b, LARGE) > evaluate(a, LARGE) for a, b in zip(have, want, strict=True))


def _signal(work: Workspace, value: str, want: TensorType) -> str:
    """Adapt ``[N,C,L]``."""
    if work.type(value).shape[1] != want.shape[1]:
        value = work.emit("conv1d", value, out_channels=want.shape[1], kernel_size=1)
    if work.type(value).shape[2] != want.shape[2]:
        value = work.emit("adaptive_avg_pool1d", value, output_size=want.shape[2])
    return value


def _other_axes(work: Workspace, value: str, want: TensorType) -> str:
    """Adapt every axis by expansion or by means over equal parts."""
    have = work.type(value).shape
    for axis in range(want.rank):
        if have[axis] not in (1, want.shape[axis]):
            value = _pool_axis(work, value, axis, want.shape[axis])
    if work.type(value) != want:
        value = work.emit("expand", value, shape=want.shape)
    return value


def _pool_axis(work: Workspace, value: str, axis: int, size: Dim) -> str:
    rank = work.type(value).rank
    order = (*(a for a in range(rank) if a != axis), axis)
    moved = value if order == tuple(range(rank)) else work.emit("permute", value, dims=order)
    shape = work.type(moved).shape
    if rank != 3:
        moved = work.emit("reshape", moved, shape=(*(shape[:1] if rank > 1 else (1,)), numel(shape[1:-1]), shape[-1]))
    pooled = work.emit("adaptive_avg_pool1d", moved, output_size=size)
    if rank != 3:
        pooled = work.emit("reshape", pooled, shape=(*shape[:-1], size))
    back = tuple(order.index(a) for a in range(rank))
    return pooled if back == tuple(range(rank)) else work.emit("permute", pooled, dims=back)
