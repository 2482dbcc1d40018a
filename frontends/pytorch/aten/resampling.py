"""Rules of resampling: to a size, or by a factor that is not the ratio of the sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from ..patching import constant, static
from ..site import Site, Values

Rule = Callable[[Site], Values]
_NEAREST = ("nearest", "nearest-exact")
# The mode that resamples one axis as the mode of several does.
_ALONE = {"bilinear": "linear", "trilinear": "linear"}


def _resampled(mode: str, *, antialias: bool = False) -> Rule:
    """Return the rule of one mode of ``upsample_*``: the size is that of the result."""

    def rule(site: Site) -> Values:
        size = site.result.shape[2:]
        if _uneven(site, size) and not site.args.get("align_corners"):
            return _by_factor(site, mode, antialias)
        attributes: dict[str, Any] = {"size": size, "mode": mode}
        if site.args.get("align_corners"):
            attributes["align_corners"] = True
        if antialias:
            attributes["antialias"] = True
        return site.emit("interpolate", site.subject, **attributes)

    return rule


def _factors(site: Site) -> list[float | None]:
    """Return the factor that is given for each spatial axis."""
    given = site.args.get("scale_factors")
    if given:
        return list(given)
    names = ("scales",) if "scales" in site.args else ("scales_d", "scales_h", "scales_w")
    return [site.args[name] for name in names if name in site.args]


def _uneven(site: Site, size: tuple[Any, ...]) -> bool:
    """Return whether a factor is given that is not the ratio of the sizes: resampling by size would differ."""
    return any(
        factor is not None and isinstance(old, int) and isinstance(new, int) and abs(old * factor - new) > 1e-6
        for factor, old, new in zip(_factors(site), site.type(site.subject).shape[2:], size, strict=False)
    )


def _by_factor(site: Site, mode: str, antialias: bool) -> str:
    """Resample each axis by a table: the places of the nearest elements, or a matrix of weights."""
    if antialias or mode == "bicubic":
        raise site.unsupported("its factor is no ratio of whole sizes", "give size= or recompute_scale_factor=True")
    value = site.subject
    sizes = static(site, *site.type(value).shape[2:])
    wanted = static(site, *site.result.shape[2:])
    for i, (old, new, factor) in enumerate(zip(sizes, wanted, _factors(site), strict=True)):
        value = _axis(site, value, 2 + i, (old, new), factor, _ALONE.get(mode, mode))
    return value


def _axis(site: Site, value: str, axis: int, sizes: tuple[int, int], factor: float | None, mode: str) -> str:
    old, new = sizes
    if factor is None or (old == new and factor == 1):
        return value
    unit = torch.arange(old, dtype=torch.float32)[None, None] if mode in _NEAREST else torch.eye(old)[None]
    table = F.interpolate(unit, scale_factor=factor, mode=mode, recompute_scale_factor=False)[0]
    assert table.shape[-1] == new
    if mode in _NEAREST:
        return site.emit("index", value, constant(site, f"places{axis}", table[0].long()), dim=axis)
    weights = constant(site, f"weights{axis}", table)
    last = site.type(value).rank - 1
    if axis == last:
        return site.emit("matmul", value, weights)
    turned = site.emit("matmul", site.emit("transpose", value, dim0=axis, dim1=last), weights)
    return site.emit("transpose", turned, dim0=axis, dim1=last)


_NAMES = {
    "upsample_nearest1d": "nearest",
    "upsample_nearest2d": "nearest",
    "upsample_nearest3d": "nearest",
    "_upsample_nearest_exact1d": "nearest-exact",
    "_upsample_nearest_exact2d": "nearest-exact",
    "_upsample_nearest_exact3d": "nearest-exact",
    "upsample_linear1d": "linear",
    "upsample_bilinear2d": "bilinear",
    "upsample_bicubic2d": "bicubic",
    "upsample_trilinear3d": "trilinear",
}

RESAMPLING: Mapping[str, Rule] = {
    **{f"{name}.{kind}": _resampled(mode) for name, mode in _NAMES.items() for kind in ("vec", "default")},
    **{f"_upsample_bilinear2d_aa.{kind}": _resampled("bilinear", antialias=True) for kind in ("vec", "default")},
    **{f"_upsample_bicubic2d_aa.{kind}": _resampled("bicubic", antialias=True) for kind in ("vec", "default")},
}
