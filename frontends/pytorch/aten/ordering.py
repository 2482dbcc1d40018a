"""Rules of ordering, counting and comparing: sort, searchsorted, one_hot, any, all, diff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import fx

from ..site import Site, Values

Rule = Callable[[Site], Values]


def sort(site: Site) -> Values:
    """Lower ``sort``: the elements in order and their places."""
    attributes = {"dim": site.args["dim"], "descending": site.args["descending"]}
    return site.emit_many("sort", [site.value("self")], stable=bool(site.args.get("stable")), **attributes)


def argsort(site: Site) -> Values:
    """Lower ``argsort``: the places of a sort."""
    made = sort(site)
    return made[1]


def argmax(site: Site) -> Values:
    """Lower ``argmax``, of everything where no axis is named."""
    return _arg(site, site.value("self"))


def argmin(site: Site) -> Values:
    """Lower ``argmin``: where the negated values are largest."""
    return _arg(site, site.emit("neg", site.value("self")))


def _arg(site: Site, value: str) -> str:
    axis, keep = site.args["dim"], site.args["keepdim"]
    if axis is not None:
        return site.emit("argmax", value, dim=axis, keepdim=keep)
    found = site.emit("argmax", site.emit("flatten", value), dim=0)
    return site.emit("reshape", found, shape=site.result.shape) if keep else found


def one_hot(site: Site) -> Values:
    """Lower ``one_hot``: each class compared with all of them."""
    classes = site.emit("arange", end=site.result.shape[-1])
    equal = site.emit("eq", site.emit("unsqueeze", site.value("self"), dim=-1), classes)
    return site.emit("cast", equal, dtype=site.result.dtype)


def searchsorted(site: Site) -> Values:
    """Lower ``bucketize`` and ``searchsorted``: how many boundaries lie before each element."""
    before, value = ("boundaries", "self") if "boundaries" in site.args else ("sorted_sequence", "self")
    bounds = site.value(before)
    last = site.args.get("right") or site.args.get("side") == "right"
    if site.given("sorter"):
        raise site.unsupported("it has a sorter", "sort the boundaries first")
    if isinstance(site.args[value], fx.Node):
        one = site.emit("unsqueeze", site.value(value), dim=-1)
    else:
        one = site.emit("full", shape=(), value=site.args[value], dtype=site.type(bounds).dtype)
    if site.type(bounds).rank > 1:
        bounds = site.emit("unsqueeze", bounds, dim=-2)
    count = site.emit("sum", site.emit("ge" if last else "gt", one, bounds), dim=(-1,))
    wanted = site.result.dtype
    return count if site.type(count).dtype is wanted else site.emit("cast", count, dtype=wanted)


def any_(site: Site) -> Values:
    """Lower ``any``: whether a count is above zero."""
    return _any(site, _truth(site, site.value("self")))


def all_(site: Site) -> Values:
    """Lower ``all``: not any that is not."""
    return site.emit("logical_not", _any(site, site.emit("logical_not", _truth(site, site.value("self")))))


def _any(site: Site, truth: str) -> str:
    given = site.args.get("dim")
    axes = (given,) if isinstance(given, int) else given or None
    return site.emit("gt", site.emit("sum", truth, dim=axes, keepdim=site.args.get("keepdim", False)), other=0)


def _truth(site: Site, value: str) -> str:
    return value if site.type(value).dtype.value == "bool" else site.emit("ne", value, other=0)


def diff(site: Site) -> Values:
    """Lower ``diff``: neighbours subtracted, once or several times."""
    value, axis = site.value("self"), site.args["dim"]
    ends = [site.value(name) if site.given(name) else "" for name in ("prepend", "append")]
    parts = [part for part in (ends[0], value, ends[1]) if part]
    value = site.emit("cat", *parts, dim=axis) if len(parts) > 1 else value
    for _ in range(site.args["n"]):
        size = site.type(value).shape[axis]
        after = site.emit("slice", value, dim=axis, start=1)
        before = site.emit("slice", value, dim=axis, start=0, end=size - 1)
        value = site.emit("ne" if site.type(value).dtype.value == "bool" else "sub", after, before)
    return value


def product(site: Site) -> Values:
    """Lower ``prod``, of everything or along one axis."""
    value, wanted = site.value("self"), site.args.get("dtype")
    if wanted is not None and wanted is not site.type(value).dtype:
        value = site.emit("cast", value, dtype=wanted)
    axes: Any = (site.args["dim"],) if "dim" in site.args else None
    return site.emit("prod", value, dim=axes, keepdim=site.args.get("keepdim", False))


ORDERING: Mapping[str, Rule] = {
    **dict.fromkeys(("sort", "sort.stable"), sort),
    **dict.fromkeys(("argsort", "argsort.stable"), argsort),
    "argmax": argmax,
    "argmin": argmin,
    "one_hot": one_hot,
    "bucketize.Tensor": searchsorted,
    "bucketize.Scalar": searchsorted,
    "searchsorted.Tensor": searchsorted,
    "searchsorted.Scalar": searchsorted,
    **dict.fromkeys(("any", "any.dim", "any.dims"), any_),
    **dict.fromkeys(("all", "all.dim", "all.dims"), all_),
    "diff": diff,
    "prod": product,
    "prod.dim_int": product,
}
