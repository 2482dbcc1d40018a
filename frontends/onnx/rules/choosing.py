"""Rules of the operators that choose elements by places, or write to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ....ir import Dim, DType, numel
from ..places import unsupported
from ..site import Site, Values


def gather(site: Site) -> Values:
    """Lower ``Gather``: one known place is a select, rows of weights an embedding, all else an index."""
    x = site.input_type(0)
    axis = site.axis_of(site.integer("axis", 0), x.rank)
    places, table = site.known(1), site.known(0)
    if places is not None and places.ndim == 0:
        return site.emit("select", site.value(0), dim=axis, index=int(places))
    if table is not None and table.ndim == 2 and axis == 0 and places is None and x.dtype.is_floating:
        rows, width = table.shape
        return site.emit(
            "embedding",
            site.cast(site.value(1), DType.I64),
            site.value(0),
            num_embeddings=rows,
            embedding_dim=width,
            dtype=x.dtype,
        )
    return site.emit("index", site.value(0), _places(site, 1), dim=axis)


def _places(site: Site, index: int, size: Dim | None = None) -> str:
    """Return places as i64; with a size, negative ones counted from its end."""
    value = site.cast(site.value(index), DType.I64)
    if size is None:
        return value
    known = site.known(index)
    if known is not None and isinstance(size, int):
        return site.constant(np.where(known < 0, known + size, known).astype(np.int64))
    if not isinstance(size, int):
        raise unsupported(f"{site.op} along the symbolic size {size}", "give --input to fix it")
    return site.emit("remainder", value, other=size)


def gather_elements(site: Site) -> Values:
    """Lower ``GatherElements``."""
    x = site.input_type(0)
    axis = site.axis_of(site.integer("axis", 0), x.rank)
    return site.emit("gather", site.value(0), _places(site, 1, x.shape[axis]), dim=axis)


def scatter_elements(site: Site) -> Values:
    """Lower ``ScatterElements``."""
    x = site.input_type(0)
    axis = site.axis_of(site.integer("axis", 0), x.rank)
    reduce = site.word("reduction", "none")
    places = _places(site, 1, x.shape[axis])
    return site.emit("scatter", site.value(0), places, site.value(2), dim=axis, reduce=reduce)


def _flat_places(site: Site, shape: tuple[Dim, ...], lead: int) -> tuple[str, tuple[int, ...]]:
    """Return places that are rows of coordinates as numbers into the flattened axes, and the sizes of these."""
    kind = site.input_type(1)
    depth = kind.shape[-1] if kind.rank else 0
    if not isinstance(depth, int) or depth > len(shape) - lead or depth < 1:
        raise unsupported(f"{site.op} by {kind} into axes {list(map(str, shape))}", "expected rows of coordinates")
    axes = shape[lead : lead + depth]
    whole = tuple(size for size in axes if isinstance(size, int))
    if len(whole) != depth:
        raise unsupported(f"{site.op} along a symbolic size of {list(map(str, shape))}", "give --input to fix it")
    places = site.cast(site.value(1), DType.I64)
    total = ""
    for i, size in enumerate(whole):
        one = site.emit("remainder", site.emit("select", places, dim=-1, index=i), other=size)
        stride = int(np.prod(whole[i + 1 :], dtype=np.int64))
        one = site.emit("mul", one, other=stride) if stride != 1 else one
        total = site.emit("add", total, one) if total else one
    return total, whole


def gather_rows(site: Site) -> Values:
    """Lower ``GatherND``: its coordinates become numbers of rows of the flattened tensor."""
    x = site.input_type(0)
    batch = site.integer("batch_dims", 0)
    if batch:
        return _gather_rows_of_batch(site, batch)
    places, whole = _flat_places(site, x.shape, 0)
    rest = x.shape[len(whole) :]
    rows = site.reshape(site.value(0), (int(np.prod(whole, dtype=np.int64)), *rest))
    return site.emit("index", rows, places, dim=0)


def _gather_rows_of_batch(site: Site, batch: int) -> str:
    """Lower ``GatherND`` with batch axes of known sizes: each sample's rows lie behind those before it."""
    x = site.input_type(0)
    lead = [size for size in x.shape[:batch] if isinstance(size, int)]
    places, whole = _flat_places(site, x.shape, batch)
    if len(lead) != batch:
        raise unsupported("GatherND over a symbolic batch axis", "give --input to fix it")
    each = int(np.prod(whole, dtype=np.int64))
    count = int(np.prod(lead, dtype=np.int64))
    rank = site.type(places).rank
    offsets = (np.arange(count) * each).reshape(*lead, *[1] * (rank - batch))
    rows = site.reshape(site.value(0), (count * each, *x.shape[batch + len(whole) :]))
    return site.emit("index", rows, site.emit("add", places, site.constant(offsets)), dim=0)


def scatter_rows(site: Site) -> Values:
    """Lower ``ScatterND``: its coordinates become numbers of rows of the flattened tensor."""
    x = site.input_type(0)
    places, whole = _flat_places(site, x.shape, 0)
    rest = x.shape[len(whole) :]
    width, count = numel(rest), site.type(places).numel
    rows = site.reshape(site.value(0), (int(np.prod(whole, dtype=np.int64)), width))
    written = site.reshape(site.value(2), (count, width))
    spread = site.emit("expand", site.reshape(places, (count, 1)), shape=(count, width))
    made = site.emit("scatter", rows, spread, written, dim=0, reduce=site.word("reduction", "none"))
    return site.reshape(made, x.shape)


def one_hot(site: Site) -> Values:
    """Lower ``OneHot`` of known depth: a comparison with the numbers below it."""
    depth, values = site.dims(1)[0] if _whole(site, 1) else site.number(1), site.value(2)
    kind = site.input_type(0)
    if not isinstance(depth, int | float) or not 0 < depth < 2**24:
        raise site.needs(1)
    axis = site.axis_of(site.integer("axis", -1), kind.rank + 1)
    places = site.cast(site.value(0), DType.I64)
    wide = site.reshape(places, (*kind.shape[:axis], 1, *kind.shape[axis:]))
    numbers = np.arange(int(depth)).reshape(-1, *[1] * (kind.rank - axis))
    ahead, behind = (site.emit("eq", wide, site.constant(n)) for n in (numbers, numbers - int(depth)))
    chosen = site.emit("logical_or", ahead, behind)
    pair = [site.emit("select", values, dim=0, index=i) for i in (1, 0)]
    return site.emit("where", chosen, *pair)


def _whole(site: Site, index: int) -> bool:
    return not site.input_type(index).dtype.is_floating


def top_k(site: Site) -> Values:
    """Lower ``TopK``."""
    return site.emit_many(
        "topk",
        [site.value(0)],
        k=site.dims(1)[0],
        dim=site.integer("axis", -1),
        largest=bool(site.integer("largest", 1)),
        sorted=bool(site.integer("sorted", 1)),
    )


def grid_sample(site: Site) -> Values:
    """Lower ``GridSample`` of maps."""
    modes = {"linear": "bilinear", "cubic": "bicubic", "bicubic": "bicubic", "bilinear": "bilinear"}
    mode = site.word("mode", "linear")
    return site.emit(
        "grid_sample",
        site.value(0),
        site.value(1),
        mode=modes.get(mode, "nearest"),
        padding_mode=site.word("padding_mode", "zeros"),
        align_corners=bool(site.integer("align_corners", 0)),
    )


RULES: Mapping[str, Callable[[Site], Values]] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "ScatterElements": scatter_elements,
    "GatherND": gather_rows,
    "ScatterND": scatter_rows,
    "OneHot": one_hot,
    "TopK": top_k,
    "GridSample": grid_sample,
}
