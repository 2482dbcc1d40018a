"""Rules of pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....ir import DType, Expr
from ..places import unsupported
from ..site import Site, Values
from .windows import Window, padded, window_of


def _window(site: Site) -> tuple[Window, int]:
    x = site.input_type(0)
    rank = x.rank - 2
    if rank not in (1, 2, 3):
        raise unsupported(f"{site.op} of {x}", "expected one to three spatial axes", "rank")
    return window_of(site, site.integers("kernel_shape") or (), x.shape[2:]), rank


def _holds(window: Window) -> bool:
    """Return whether a pooling op can pad by itself: alike on both sides, by at most half of the kernel."""
    sides = zip(window.before, window.kernel, strict=True)
    return window.even and all(isinstance(side, int) and 2 * side <= kernel for side, kernel in sides)


def max_pool(site: Site) -> Values:
    """Lower ``MaxPool``."""
    if site.wants(1):
        raise unsupported("MaxPool gives the places of its maxima", "nasc counts them within a map", "unsupported")
    window, rank = _window(site)
    x = site.value(0)
    dtype = site.type(x).dtype
    if not dtype.is_floating:
        x = site.cast(x, DType.F32)
    value = x if _holds(window) else padded(site, x, window, float("-inf"))
    made = site.emit(
        f"max_pool{rank}d",
        value,
        kernel_size=window.kernel,
        stride=window.stride,
        padding=window.before if _holds(window) else (0,) * rank,
        dilation=window.dilation,
        ceil_mode=bool(site.integer("ceil_mode", 0)),
    )
    return site.cast(made, dtype)


def average_pool(site: Site) -> Values:
    """Lower ``AveragePool``; over uneven padding that does not count it is a quotient of two sums."""
    window, rank = _window(site)
    counted = bool(site.integer("count_include_pad", 0))
    ceil = bool(site.integer("ceil_mode", 0))
    x = site.value(0)
    if any(step != 1 for step in window.dilation):
        return _dilated_average(site, window, x, counted, ceil)
    if _holds(window):
        none = all(side == 0 for side in window.before)
        return _average(site, x, window, window.before, ceil, counted or (none and not ceil))
    total = _average(site, padded(site, x, window), window, (0,) * rank, ceil, True)
    return total if counted and not ceil else site.emit("div", total, _cover(site, window, x, counted, ceil))


def _average(site: Site, x: str, window: Window, padding: object, ceil: bool, counted: bool) -> str:
    return site.emit(
        f"avg_pool{len(window.kernel)}d",
        x,
        kernel_size=window.kernel,
        stride=window.stride,
        padding=padding,
        ceil_mode=ceil,
        count_include_pad=counted,
    )


def _cover(site: Site, window: Window, x: str, counted: bool, ceil: bool) -> str:
    """Return which part of each window lies on elements that count."""
    kind = site.type(x)
    ones = site.emit("full", shape=(1, 1, *kind.shape[2:]), value=1, dtype=kind.dtype)
    if any(side != 0 for side in window.around):
        ones = site.emit("pad", ones, pad=window.around, value=1 if counted else None)
    return _average(site, ones, window, (0,) * len(window.kernel), ceil, True)


def _dilated_average(site: Site, window: Window, x: str, counted: bool, ceil: bool) -> str:
    """Return an average over windows with gaps, as a convolution of each channel with ones."""
    kind, rank = site.type(x), len(window.kernel)
    channels = kind.shape[1]
    if isinstance(channels, Expr):
        raise unsupported("AveragePool with dilation over symbolic channels", "give --input to fix them")
    stated = window
    if ceil:
        window = _roomier(window, tuple(kind.shape[2:]))

    def summed(value: str, groups: int) -> str:
        weight = site.emit("full", shape=(groups, 1, *window.kernel), value=1, dtype=kind.dtype)
        return site.emit(
            f"conv{rank}d",
            value,
            weight,
            out_channels=groups,
            kernel_size=window.kernel,
            stride=window.stride,
            dilation=window.dilation,
            groups=groups,
            bias=False,
        )

    ones = site.emit("full", shape=(1, 1, *kind.shape[2:]), value=1, dtype=kind.dtype)
    if any(side != 0 for side in stated.around):
        ones = site.emit("pad", ones, pad=stated.around, value=1 if counted else None)
    if window != stated:
        beyond = tuple(a - b for a, b in zip(window.around, stated.around, strict=True))
        ones = site.emit("pad", ones, pad=beyond)
    return site.emit("div", summed(padded(site, x, window), channels), summed(ones, 1))


def _roomier(window: Window, space: tuple[object, ...]) -> Window:
    """Return a window padded behind so that the last window, which begins inside, fits as well."""
    after: list[int] = []
    rows = zip(space, window.kernel, window.stride, window.dilation, window.before, window.after, strict=True)
    for size, k, s, d, b, a in rows:
        if not (isinstance(size, int) and isinstance(b, int) and isinstance(a, int)):
            raise unsupported("AveragePool with ceil_mode over a symbolic size", "give --input to fix it")
        span = size + b + a - d * (k - 1) - 1
        missing = -span % s
        starts_inside = span + missing < size + b
        after.append(a + (missing if starts_inside else 0))
    return Window(window.kernel, window.stride, window.dilation, window.before, tuple(after))


def lp_pool(site: Site) -> Values:
    """Lower ``LpPool``: the root of the sum of powers over each window."""
    window, rank = _window(site)
    order = site.integer("p", 2)
    x = site.value(0)
    powers = site.emit("pow", site.emit("abs", x), other=order)
    channels = site.type(x).shape[1]
    if isinstance(channels, Expr):
        raise unsupported("LpPool over symbolic channels", "give --input to fix them")
    if site.integer("ceil_mode", 0):
        window = _roomier(window, tuple(site.type(x).shape[2:]))
    weight = site.emit("full", shape=(channels, 1, *window.kernel), value=1, dtype=site.type(x).dtype)
    total = site.emit(
        f"conv{rank}d",
        padded(site, powers, window),
        weight,
        out_channels=channels,
        kernel_size=window.kernel,
        stride=window.stride,
        dilation=window.dilation,
        groups=channels,
        bias=False,
    )
    return site.emit("pow", total, other=1 / order)


def global_pool(op: str) -> Callable[[Site], Values]:
    """Return the rule of pooling over all of space."""

    def rule(site: Site) -> Values:
        x = site.value(0)
        rank = site.type(x).rank - 2
        if op == "avg" and rank == 2:
            return site.emit("adaptive_avg_pool2d", x, output_size=(1, 1))
        if op == "max" and rank == 2:
            return site.emit("adaptive_max_pool2d", x, output_size=(1, 1))
        axes = tuple(range(2, rank + 2))
        if not axes:
            return x
        return site.emit("mean" if op == "avg" else "amax", x, dim=axes, keepdim=True)

    return rule


def global_lp_pool(site: Site) -> Values:
    """Lower ``GlobalLpPool``: a norm over all of space."""
    x = site.value(0)
    axes = tuple(range(2, site.type(x).rank))
    return site.emit("vector_norm", x, ord=float(site.integer("p", 2)), dim=axes, keepdim=True)


RULES: Mapping[str, Callable[[Site], Values]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": global_pool("avg"),
    "GlobalMaxPool": global_pool("max"),
    "GlobalLpPool": global_lp_pool,
}
