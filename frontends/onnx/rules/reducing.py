"""Rules of reductions: along axes, to the place of an extreme, and running sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....ir import DType
from ..places import unsupported
from ..site import Site, Values

EMPTY = {"amax": float("-inf"), "amin": float("inf")}
Step = Callable[[Site, str], str]


def _same(_: Site, value: str) -> str:
    return value


def _apply(op: str) -> Step:
    return lambda site, value: site.emit(op, value)


def _squared(site: Site, value: str) -> str:
    return site.emit("mul", value, value)


def reduction(op: str, before: Step = _same, after: Step = _same) -> Callable[[Site], Values]:
    """Return the rule of a reduction, with something done to each element before, or to the result."""

    def rule(site: Site) -> Values:
        x = site.input_type(0)
        axes = site.axes(1, x.rank)
        value = before(site, site.value(0))
        if (not axes and site.integer("noop_with_empty_axes", 0)) or not x.rank:
            return after(site, value)
        axes = axes or tuple(range(x.rank))
        if not axes:
            return after(site, value)
        made = _reduced(site, op, value, axes, bool(site.integer("keepdims", 1)))
        return site.cast(after(site, made), x.dtype)

    return rule


def _reduced(site: Site, op: str, value: str, axes: tuple[int, ...], keep: bool) -> str:
    """Reduce; truth values as numbers, which is what extremes of them need, and products one axis at a time."""
    if op in ("amax", "amin") and site.type(value).dtype is DType.BOOL:
        value = site.cast(value, DType.U8)
    if op == "mean" and not site.type(value).dtype.is_floating:
        value = site.cast(value, DType.F32)
    if op in EMPTY and any(site.type(value).shape[axis] == 0 for axis in axes):
        return _of_nothing(site, op, value, axes, keep)
    if op != "prod":
        return site.emit(op, value, dim=tuple(sorted(axes)), keepdim=keep)
    for axis in sorted(axes, reverse=True):
        value = site.emit(op, value, dim=(axis,), keepdim=keep)
    return value


def _of_nothing(site: Site, op: str, value: str, axes: tuple[int, ...], keep: bool) -> str:
    """Return the extreme of no elements: the number that no other exceeds the wrong way."""
    kind = site.type(value)
    shape = [1 if i in axes else size for i, size in enumerate(kind.shape) if keep or i not in axes]
    bound = EMPTY[op] if kind.dtype.is_floating else (EMPTY[op] > 0) * 255 if kind.dtype is DType.U8 else None
    if bound is None:
        raise unsupported(f"{site.op} of no whole numbers", "expected one element or more")
    return site.emit("full", shape=shape, value=bound, dtype=kind.dtype)


def log_sum_exp(site: Site) -> Values:
    """Lower ``ReduceLogSumExp``, shifted by the maximum so that nothing overflows."""
    x = site.input_type(0)
    axes = site.axes(1, x.rank)
    value = site.value(0)
    if (not axes and site.integer("noop_with_empty_axes", 0)) or not x.rank:
        return value
    axes = axes or tuple(range(x.rank))
    if any(x.shape[axis] == 0 for axis in axes):
        return reduction("sum", _apply("exp"), _apply("log"))(site)
    keep = bool(site.integer("keepdims", 1))
    top = site.emit("amax", value, dim=axes, keepdim=True)
    rest = site.emit("sum", site.emit("exp", site.emit("sub", value, top)), dim=axes, keepdim=True)
    total = site.emit("add", site.emit("log", rest), top)
    return total if keep else site.emit("squeeze", total, dim=axes)


def place_of(op: str) -> Callable[[Site], Values]:
    """Return the rule of ``ArgMax`` and ``ArgMin``: the last place of several is sought from the end."""

    def rule(site: Site) -> Values:
        x = site.value(0)
        axis = site.axis_of(site.integer("axis", 0), site.type(x).rank)
        keep = bool(site.integer("keepdims", 1))
        last = site.integer("select_last_index", 0)
        value = site.emit("neg", x) if op == "argmin" else x
        if last:
            value = site.emit("flip", value, dims=(axis,))
        made = site.emit("argmax", value, dim=axis, keepdim=keep)
        size = site.type(x).shape[axis]
        return site.emit("rsub", made, other=size - 1) if last else made

    return rule


def running_sum(site: Site) -> Values:
    """Lower ``CumSum``, whose axis is an input."""
    x = site.value(0)
    kind = site.type(x)
    axis = site.axis_of(site.ints(1)[0], kind.rank)
    backward = site.integer("reverse", 0)
    value = site.emit("flip", x, dims=(axis,)) if backward else x
    made = site.cast(site.emit("cumsum", value, dim=axis), kind.dtype)
    if site.integer("exclusive", 0):
        made = site.emit("sub", made, value)
    return site.emit("flip", made, dims=(axis,)) if backward else made


RULES: Mapping[str, Callable[[Site], Values]] = {
    "ReduceMean": reduction("mean"),
    "ReduceSum": reduction("sum"),
    "ReduceProd": reduction("prod"),
    "ReduceMax": reduction("amax"),
    "ReduceMin": reduction("amin"),
    "ReduceL1": reduction("sum", _apply("abs")),
    "ReduceL2": reduction("sum", _squared, _apply("sqrt")),
    "ReduceLogSum": reduction("sum", _same, _apply("log")),
    "ReduceLogSumExp": log_sum_exp,
    "ReduceSumSquare": reduction("sum", _squared),
    "ArgMax": place_of("argmax"),
    "ArgMin": place_of("argmin"),
    "CumSum": running_sum,
}
