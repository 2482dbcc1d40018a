"""Rules of indexing by tensors, to read and to write: several indices become one over the flattened axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import fx

from ....ir import Dim, numel, product
from ..folding import known
from ..patching import constant, scattered
from ..site import Site, Values
from .ranges import nonnegative

Rule = Callable[[Site], Values]


@dataclass(frozen=True)
class Chosen:
    """What is indexed, laid out so that the indexed axes are one: its axis, and how to lay it back.

    ``places`` is the value of the indices along that axis, ``shape`` the indices' common shape, ``order`` the
    permutation that was needed first (None: none), ``axes`` the sizes of the axes that became one.
    """

    value: str
    places: str
    axis: int
    order: tuple[int, ...] | None
    axes: tuple[Dim, ...]


def index(site: Site) -> Values:
    """Lower ``index.Tensor``: by one tensor of integers, or several, or masks whose values are known."""
    value = site.value("self")
    given = _indices(site)
    if not given:
        return value
    chosen = _chosen(site, value, given)
    return site.emit("index", chosen.value, chosen.places, dim=chosen.axis)


def _indices(site: Site) -> dict[int, str]:
    """Return the integer indices by axis; a mask whose values are known is as many as it has axes."""
    made: dict[int, str] = {}
    axis = 0
    for i, item in enumerate(site.args["indices"]):
        if item is None:
            axis += 1
            continue
        indices = site.translation.value(item)
        if site.type(indices).dtype.value not in ("bool", "u8"):
            made[axis] = indices
            axis += 1
            continue
        mask = known(site.translation, item)
        if mask is None:
            raise site.unsupported("it is indexed by a mask, so its size depends on data", "use torch.where")
        for j, places in enumerate(mask.nonzero(as_tuple=True)):
            made[axis] = constant(site, f"places{i}_{j}", places)
            axis += 1
    return made


def _chosen(site: Site, value: str, given: Mapping[int, str]) -> Chosen:
    axes = sorted(given)
    rank = site.type(value).rank
    order: tuple[int, ...] | None = None
    if axes[-1] - axes[0] != len(axes) - 1:
        order = (*axes, *(axis for axis in range(rank) if axis not in given))
        value = site.emit("permute", value, dims=order)
    first = 0 if order else axes[0]
    sizes = site.type(value).shape[first : first + len(axes)]
    if len(axes) == 1:
        return Chosen(value, given[axes[0]], first, order, sizes)
    flat = site.emit("flatten", value, start_dim=first, end_dim=first + len(axes) - 1)
    return Chosen(flat, _linear(site, [given[axis] for axis in axes], sizes), first, order, sizes)


def _linear(site: Site, indices: list[str], sizes: tuple[Dim, ...]) -> str:
    """Return the indices into flattened axes: ``i * columns + j``."""
    nodes = [item for item in site.args["indices"] if item is not None]
    total = ""
    for i, one in enumerate(indices):
        stride = product(sizes[i + 1 :])
        single = len(nodes) == len(indices)
        if single and not nonnegative(site.translation, nodes[i]):
            one = site.emit("remainder", one, other=sizes[i])
        if stride != 1:
            one = site.emit("mul", one, other=stride)
        total = site.emit("add", total, one) if total else one
    return total


def index_put(site: Site) -> Values:
    """Lower ``index_put``: by a mask it is a choice, by integers the values are scattered."""
    value = site.value("self")
    given = site.args["indices"]
    masks = [item for item in given if item is not None and _is_mask(site, item)]
    if masks and not site.args.get("accumulate") and len([item for item in given if item is not None]) == 1:
        written = _masked(site, value, masks[0])
        if written is not None:
            return written
    chosen = _chosen(site, value, _indices(site))
    reduce = "add" if site.args.get("accumulate") else "none"
    laid = site.type(chosen.value).shape
    count = site.type(chosen.places).numel
    target = (*laid[: chosen.axis], count, *laid[chosen.axis + 1 :])
    full = (*laid[: chosen.axis], *site.type(chosen.places).shape, *laid[chosen.axis + 1 :])
    part = _fitted(site, site.value("values"), full, target)
    places = site.emit("reshape", chosen.places, shape=(count,)) if len(full) != len(target) else chosen.places
    made = scattered(site, chosen.value, places, part, chosen.axis, reduce)
    return _laid_back(site, made, chosen)


def _is_mask(site: Site, item: fx.Node) -> bool:
    return site.type(site.translation.value(item)).dtype.value in ("bool", "u8")


def _masked(site: Site, value: str, mask: fx.Node) -> str | None:
    """Return the choice between values and the tensor by a mask; None where a value belongs to each true element."""
    axis = next(i for i, item in enumerate(site.args["indices"]) if item is not None)
    chosen, values = site.translation.value(mask), site.value("values")
    behind = site.type(value).rank - axis - site.type(chosen).rank
    kind = site.type(values)
    if kind.rank > behind and kind.shape[: kind.rank - behind] != (1,) * (kind.rank - behind):
        return None
    if behind:
        shape = site.type(chosen).shape
        chosen = site.emit("reshape", chosen, shape=(*shape, *[1] * behind))
    if kind.dtype is not site.type(value).dtype:
        values = site.emit("cast", values, dtype=site.type(value).dtype)
    return site.emit("where", chosen, values, value)


def _fitted(site: Site, part: str, full: tuple[Dim, ...], target: tuple[Dim, ...]) -> str:
    if site.type(part).dtype is not site.result.dtype:
        part = site.emit("cast", part, dtype=site.result.dtype)
    if site.type(part).shape != full:
        part = site.emit("expand", part, shape=full)
    return part if full == target else site.emit("reshape", part, shape=target)


def _laid_back(site: Site, made: str, chosen: Chosen) -> str:
    shape = site.type(made).shape
    if len(chosen.axes) > 1:
        made = site.emit("reshape", made, shape=(*shape[: chosen.axis], *chosen.axes, *shape[chosen.axis + 1 :]))
    if chosen.order is None:
        return made
    return site.emit("permute", made, dims=[chosen.order.index(axis) for axis in range(len(chosen.order))])


def index_fill(site: Site) -> Values:
    """Lower ``index_fill``: one value at some indices of an axis."""
    value, places = site.value("self"), site.value("index")
    axis = site.args["dim"] % max(site.type(value).rank, 1)
    shape = list(site.type(value).shape)
    shape[axis] = numel(site.type(places).shape)
    given = site.args["value"]
    kind = site.type(value).dtype
    if isinstance(given, fx.Node):
        part = site.emit("expand", site.translation.value(given), shape=shape)
    else:
        part = site.emit("full", shape=shape, value=given, dtype=kind)
    return scattered(site, value, places, part, axis)


def _along_index(reduce: str) -> Rule:
    """Return the rule of ``index_copy`` and ``index_add``: slices of a source at indices of an axis."""

    def rule(site: Site) -> Values:
        value, part = site.value("self"), site.value("source")
        axis = site.args["dim"] % max(site.type(value).rank, 1)
        if site.args.get("alpha", 1) != 1:
            part = site.emit("mul", part, other=site.args["alpha"])
        return scattered(site, value, site.value("index"), part, axis, reduce)

    return rule


def gather(site: Site) -> Values:
    """Lower ``gather``."""
    return site.emit("gather", site.value("self"), site.value("index"), dim=site.args["dim"])


def take_along(site: Site) -> Values:
    """Lower ``take_along_dim``: a gather whose operands are broadcast first."""
    value, indices, axis = site.value("self"), site.value("indices"), site.args["dim"]
    if axis is None:
        raise site.unsupported("it takes from the flattened tensor", "flatten it first and give dim=0")
    axis %= site.type(value).rank
    shape, wanted = list(site.result.shape), list(site.result.shape)
    shape[axis] = site.type(value).shape[axis]
    if tuple(shape) != site.type(value).shape:
        value = site.emit("expand", value, shape=shape)
    if tuple(wanted) != site.type(indices).shape:
        indices = site.emit("expand", indices, shape=wanted)
    return site.emit("gather", value, indices, dim=axis)


_REDUCES = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min", "add": "add", "multiply": "mul"}


def _scattering(reduce: str = "") -> Rule:
    """Return the rule of the spellings of ``scatter``; "" takes the reduction from the call."""

    def rule(site: Site) -> Values:
        value, indices = site.value("self"), site.value("index")
        how = reduce or _REDUCES.get(site.args["reduce"], "")
        if not how or site.args.get("include_self", True) is False:
            raise site.unsupported("its reduction counts elements", "use reduce='sum' with include_self=True")
        return site.emit("scatter", value, indices, _source(site, value, indices), dim=site.args["dim"], reduce=how)

    return rule


def _source(site: Site, value: str, indices: str) -> str:
    """Return what is scattered, cut to the shape of the indices."""
    shape, given = site.type(indices).shape, site.args.get("src", site.args.get("value"))
    if not isinstance(given, fx.Node):
        return site.emit("full", shape=shape, value=given, dtype=site.type(value).dtype)
    source = site.translation.value(given)
    for axis, (size, wanted) in enumerate(zip(site.type(source).shape, shape, strict=True)):
        if size != wanted:
            source = site.emit("slice", source, dim=axis, start=0, end=wanted)
    return source


INDEXING: Mapping[str, Rule] = {
    "index.Tensor": index,
    "_unsafe_index.Tensor": index,
    "index_put": index_put,
    "_unsafe_index_put": index_put,
    "_index_put_impl": index_put,
    "index_fill.int_Scalar": index_fill,
    "index_fill.int_Tensor": index_fill,
    "index_copy": _along_index("none"),
    "index_add": _along_index("add"),
    "gather": gather,
    "take_along_dim": take_along,
    "scatter.src": _scattering("none"),
    "scatter.value": _scattering("none"),
    "scatter_add": _scattering("add"),
    "scatter.reduce": _scattering(),
    "scatter.value_reduce": _scattering(),
    "scatter_reduce.two": _scattering(),
}
