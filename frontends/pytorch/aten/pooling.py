"""Rules of pooling that also tells where the maxima stand, of its inverse, and of sampling at given places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ....ir import product
from ..patching import constant, static
from ..site import Site, Values

Rule = Callable[[Site], Values]


def _with_indices(op: str, *names: str) -> Rule:
    """Return the rule of a maximum pooling whose second result, the places, may not be read."""

    def rule(site: Site) -> Values:
        attributes: dict[str, Any] = {name: site.args[name] for name in names if site.args[name] != []}
        if not any(user.args[1] == 1 and user.users for user in site.node.users):
            return site.emit(op, site.subject, **attributes), ""
        if op not in ("max_pool2d", "adaptive_max_pool2d"):
            raise site.unsupported("the places of the maxima are read", "they are known for [N,C,H,W] only")
        return site.emit_many(f"{op}_with_indices", [site.subject], **attributes)

    return rule


def unpool(site: Site) -> Values:
    """Lower ``max_unpool2d``: the maxima scattered back to where they stood, zeros elsewhere."""
    value, places = site.value("self"), site.value("indices")
    shape = site.result.shape
    wide = (*shape[:2], product(shape[2:]))
    empty = site.emit("full", shape=wide, value=0, dtype=site.result.dtype)
    flat = [site.emit("flatten", one, start_dim=2) for one in (places, value)]
    return site.emit("reshape", site.emit("scatter", empty, *flat, dim=2), shape=shape)


_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def grid_sample(site: Site) -> Values:
    """Lower ``grid_sampler``, whose modes are numbers."""
    operands = site.value("input"), site.value("grid")
    if site.type(operands[0]).rank != 4:
        raise site.unsupported("it samples volumes", "expected [N,C,H,W]")
    modes = {"mode": _MODES[site.args["interpolation_mode"]], "padding_mode": _PADDINGS[site.args["padding_mode"]]}
    return site.emit("grid_sample", *operands, **modes, align_corners=site.args["align_corners"])


def windows(site: Site) -> Values:
    """Lower ``Tensor.unfold``: windows of an axis, which become a last axis."""
    value, size, step = site.value("self"), site.args["size"], site.args["step"]
    kind = site.type(value)
    axis = site.args["dimension"] % max(kind.rank, 1)
    length, width = static(site, kind.shape[axis], size)
    places = torch.arange(0, length - width + 1, step)[:, None] + torch.arange(width)
    made = site.emit("index", value, constant(site, "windows", places), dim=axis)
    order = [*range(axis + 1), *range(axis + 2, kind.rank + 1), axis + 1]
    return made if order == sorted(order) else site.emit("permute", made, dims=order)


def diagonal(site: Site) -> Values:
    """Lower ``diagonal``: two axes flattened, and one place a row taken."""
    value = site.value("self")
    kind = site.type(value)
    first, second = site.args["dim1"] % kind.rank, site.args["dim2"] % kind.rank
    rows, columns = static(site, kind.shape[first], kind.shape[second])
    order = [axis for axis in range(kind.rank) if axis not in (first, second)] + [first, second]
    value = value if order == sorted(order) else site.emit("permute", value, dims=order)
    flat = site.emit("flatten", value, start_dim=-2)
    places = torch.arange(rows * columns).reshape(rows, columns).diagonal(site.args["offset"])
    return site.emit("index", flat, constant(site, "diagonal", places.contiguous()), dim=kind.rank - 2)


_WINDOW = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

POOLING: Mapping[str, Rule] = {
    **{f"max_pool{rank}d_with_indices": _with_indices(f"max_pool{rank}d", *_WINDOW) for rank in (1, 2, 3)},
    **{f"adaptive_max_pool{rank}d": _with_indices(f"adaptive_max_pool{rank}d", "output_size") for rank in (1, 2, 3)},
    "max_unpool2d": unpool,
    "grid_sampler": grid_sample,
    "grid_sampler_2d": grid_sample,
    "unfold": windows,
    "diagonal": diagonal,
}
