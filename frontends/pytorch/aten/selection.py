"""Rules of the calls that choose elements: slices, indices, masks, and writing into a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import fx

from ..patching import from_front, put_index, put_slice
from ..site import Site, Values

_END = 2**62


def slice_(site: Site) -> Values:
    """Lower ``slice.Tensor``; one that takes everything leaves no node."""
    value = site.value("self")
    if site.type(value) == site.result and site.args["step"] == 1:
        return value
    end = site.args["end"]
    return site.emit(
        "slice",
        value,
        dim=site.args["dim"],
        start=site.args["start"] or 0,
        end=None if isinstance(end, int) and end >= _END else end,
        step=site.args["step"],
    )


def narrow(site: Site) -> Values:
    """Lower ``narrow``: a slice of a length."""
    start, length = site.args["start"], site.args["length"]
    return site.emit("slice", site.value("self"), dim=site.args["dim"], start=start, end=start + length)


def index_select(site: Site) -> Values:
    """Lower ``index_select``."""
    return site.emit("index", site.value("self"), site.value("index"), dim=site.args["dim"])


def masked_fill(site: Site) -> Values:
    """Lower ``masked_fill`` by a tensor of one element."""
    return site.emit("where", site.value("mask"), site.value("value"), site.value("self"))


def where_number(site: Site) -> Values:
    """Lower ``where`` with numbers on one side or both."""
    sides: list[str] = []
    for name in ("self", "other"):
        given = site.args[name]
        if isinstance(given, fx.Node):
            sides.append(site.value(name))
        else:
            sides.append(site.emit("full", shape=(), value=given, dtype=site.result.dtype))
    return site.emit("where", site.value("condition"), *sides)


def slice_scatter(site: Site) -> Values:
    """Lower ``slice_scatter``: a slice replaced by another tensor."""
    value, axis = site.value("self"), site.args["dim"]
    shape = site.type(value).shape
    axis %= len(shape)
    start = from_front(site.args["start"], shape[axis])
    return put_slice(site, value, site.value("src"), axis, start, site.args["step"])


def select_scatter(site: Site) -> Values:
    """Lower ``select_scatter``: one index of an axis replaced by another tensor."""
    value = site.value("self")
    return put_index(site, value, site.value("src"), site.args["dim"] % site.type(value).rank, site.args["index"])


SELECTION: Mapping[str, Callable[[Site], Values]] = {
    "slice.Tensor": slice_,
    "narrow": narrow,
    "index_select": index_select,
    "masked_fill.Tensor": masked_fill,
    "slice_scatter": slice_scatter,
    "select_scatter": select_scatter,
    "where.Scalar": where_number,
    "where.ScalarSelf": where_number,
    "where.ScalarOther": where_number,
}
