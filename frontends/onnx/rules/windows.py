"""Sliding windows: the padding that ONNX says in three ways, and what of it an op can hold."""

from __future__ import annotations

from dataclasses import dataclass

from ....ir import Dim, Expr, ceildiv
from ..places import unsupported
from ..site import Site


@dataclass(frozen=True)
class Window:
    """A kernel that slides over the spatial axes; ``before`` and ``after`` are the padding of each."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[Dim, ...]
    after: tuple[Dim, ...]

    @property
    def even(self) -> bool:
        """Whether each axis is padded alike on both sides, and by no negative number."""
        return self.before == self.after and all(not isinstance(side, int) or side >= 0 for side in self.before)

    @property
    def around(self) -> tuple[Dim, ...]:
        """The padding as the op ``pad`` takes it: pairs, last axis first."""
        pairs = list(zip(self.before, self.after, strict=True))[::-1]
        return tuple(side for pair in pairs for side in pair)


def window_of(site: Site, kernel: tuple[int, ...], space: tuple[Dim, ...]) -> Window:
    """Return the window of a node over a space. Raises NascError where its attributes do not fit."""
    rank = len(space)
    stride = site.integers("strides") or (1,) * rank
    dilation = site.integers("dilations") or (1,) * rank
    pads = site.integers("pads") or (0,) * (2 * rank)
    if not len(kernel) == len(stride) == len(dilation) == rank or len(pads) != 2 * rank:
        raise unsupported(f"{site.op} has attributes for another rank than {rank}", f"expected {rank} of each")
    if any(number < 1 for number in (*kernel, *stride, *dilation)):
        raise unsupported(f"{site.op} has a kernel, stride or dilation below 1", "expected numbers >= 1")
    before, after = pads[:rank], pads[rank:]
    mode = site.word("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        return Window(kernel, stride, dilation, before, after)
    if mode == "VALID":
        return Window(kernel, stride, dilation, (0,) * rank, (0,) * rank)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise unsupported(f"{site.op} has auto_pad {mode[:40]!r}", "expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    totals = [_same(size, k, s, d) for size, k, s, d in zip(space, kernel, stride, dilation, strict=True)]
    small, large = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return Window(kernel, stride, dilation, *((small, large) if mode == "SAME_UPPER" else (large, small)))


def _same(size: Dim, kernel: int, stride: int, dilation: int) -> Dim:
    """Return the padding with which ``ceil(size / stride)`` windows fit."""
    span = dilation * (kernel - 1) + 1
    if isinstance(size, Expr):
        if stride == 1:
            return span - 1
        raise unsupported(f"auto_pad of the symbolic size {size} with stride {stride}", "give --input to fix the size")
    total = (ceildiv(size, stride) - 1) * stride + span - size
    assert isinstance(total, int)
    return max(total, 0)


def padded(site: Site, value: str, window: Window, fill: float = 0.0) -> str:
    """Return a value with the window's padding around it."""
    if all(side == 0 for side in window.around):
        return value
    return site.emit("pad", value, pad=window.around, value=fill if fill else None)
