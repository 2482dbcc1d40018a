"""Rules of pooling and resampling calls that say more, or less, than the op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..site import Site, Values

Rule = Callable[[Site], Values]


def _resampled(mode: str, *, antialias: bool = False) -> Rule:
    """Return the rule of one mode of ``upsample_*``: the size is that of the result."""

    def rule(site: Site) -> Values:
        size = site.result.shape[2:]
        _check_scale(site, size)
        attributes: dict[str, Any] = {"size": size, "mode": mode}
        if site.args.get("align_corners"):
            attributes["align_corners"] = True
        if antialias:
            attributes["antialias"] = True
        return site.emit("interpolate", site.subject, **attributes)

    return rule


def _check_scale(site: Site, size: tuple[Any, ...]) -> None:
    """Raise NascError where a scale factor is not the ratio of the sizes: resampling by size would differ."""
    given = site.args.get("scale_factors")
    for factor, old, new in zip(given or (), site.type(site.subject).shape[2:], size, strict=False):
        if isinstance(old, int) and isinstance(new, int) and abs(old * factor - new) > 1e-6:
            raise site.unsupported(
                f"scale factor {factor} of {old} is not a whole number",
                "give size= or recompute_scale_factor=True",
            )


def adaptive_max_pool2d(site: Site) -> Values:
    """Lower ``adaptive_max_pool2d``, whose second result, the indices, the op does not have."""
    made = site.emit("adaptive_max_pool2d", site.value("self"), output_size=site.args["output_size"])
    return made, ""


_MODES = {
    "upsample_nearest1d": "nearest",
    "upsample_nearest2d": "nearest",
    "_upsample_nearest_exact2d": "nearest-exact",
    "upsample_linear1d": "linear",
    "upsample_bilinear2d": "bilinear",
    "upsample_bicubic2d": "bicubic",
    "upsample_trilinear3d": "trilinear",
}

SPATIAL: Mapping[str, Rule] = {
    **{f"{name}.{kind}": _resampled(mode) for name, mode in _MODES.items() for kind in ("vec", "default")},
    "_upsample_bilinear2d_aa.vec": _resampled("bilinear", antialias=True),
    "_upsample_bicubic2d_aa.vec": _resampled("bicubic", antialias=True),
    "adaptive_max_pool2d": adaptive_max_pool2d,
}
