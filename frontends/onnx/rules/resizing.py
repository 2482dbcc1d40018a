"""Rules of resampling: by PyTorch's interpolation where it means the same, else by a known matrix along each axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from ....ir import Dim, Expr
from ..places import unsupported
from ..site import Site, Values
from ..tensors import NUMPY, Array

HALF = ("half_pixel", "pytorch_half_pixel")
MAX_WEIGHTS = 2**24


@dataclass(frozen=True)
class Axis:
    """How one axis is resampled: its size, the new one, their ratio, and the part of it that is looked at."""

    axis: int
    size: int
    new: int
    scale: float
    roi: tuple[float, float]


@dataclass(frozen=True)
class Method:
    """The attributes of ``Resize``."""

    mode: str
    places: str
    nearest: str
    cubic: float
    exclude: bool
    antialias: bool
    outside: float

    @classmethod
    def of(cls, site: Site) -> Method:
        """Read them."""
        return cls(
            site.word("mode", "nearest"),
            site.word("coordinate_transformation_mode", "half_pixel"),
            site.word("nearest_mode", "round_prefer_floor"),
            site.real("cubic_coeff_a", -0.75),
            bool(site.integer("exclude_outside", 0)),
            bool(site.integer("antialias", 0)),
            site.real("extrapolation_value", 0.0),
        )


def resize(site: Site) -> Values:
    """Lower ``Resize``."""
    method = Method.of(site)
    named = site.integers("axes")
    rank = site.input_type(0).rank
    axes = tuple(range(rank)) if named is None else tuple(site.axis_of(axis, rank) for axis in named)
    symbolic = _symbolic(site, axes)
    if symbolic is not None:
        return _whole_factors(site, method, symbolic)
    plan = [one for one in _plan(site, axes) if one.size != one.new or one.roi != (0.0, 1.0)]
    if not plan:
        return site.value(0)
    attributes = _native(method, plan, rank)
    if attributes is not None:
        return _interpolated(site, plan, attributes)
    value = site.value(0)
    for one in plan:
        value = _along(site, value, method, one)
    return value


def _symbolic(site: Site, axes: tuple[int, ...]) -> dict[int, Dim] | None:
    """Return the new sizes of a map whose space is symbolic; None where all that is resampled is known."""
    x = site.input_type(0)
    scales = site.known(2)
    if all(isinstance(x.shape[axis], int) for axis in axes) or scales is None or scales.shape != (len(axes),):
        return None
    sizes = {axis: x.shape[axis] * int(s) for axis, s in zip(axes, scales, strict=True) if float(s).is_integer()}
    changed = [axis for axis, s in zip(axes, scales, strict=True) if s != 1]
    if not all(axis in sizes for axis in changed) or not any(isinstance(x.shape[axis], Expr) for axis in changed):
        return None
    return sizes


def _whole_factors(site: Site, method: Method, sizes: dict[int, Dim]) -> str:
    x = site.input_type(0)
    attributes = _native_mode(method, x.rank)
    if attributes is None or any(sizes.get(axis, x.shape[axis]) != x.shape[axis] for axis in (0, 1)):
        raise unsupported(f"Resize of the symbolic {x}", "give --input to fix its sizes")
    size = tuple(sizes.get(axis, x.shape[axis]) for axis in range(2, x.rank))
    return site.emit("interpolate", site.value(0), size=size, **attributes)


def _plan(site: Site, axes: tuple[int, ...]) -> list[Axis]:
    x = site.input_type(0)
    scales, sizes = site.known(2), site.ints(3) if site.has(3) and site.input_type(3).numel else None
    if sizes is None and (scales is None or len(scales) != len(axes)):
        raise site.needs(2)
    roi = site.known(1)
    crops = site.word("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    if crops and roi is None:
        raise site.needs(1)
    plan: list[Axis] = []
    for i, axis in enumerate(axes):
        size = x.shape[axis]
        if isinstance(size, Expr):
            if sizes is None and scales is not None and scales[i] == 1:
                continue
            raise unsupported(f"Resize of the symbolic size {size}", "give --input to fix it")
        part = (0.0, 1.0)
        if crops and roi is not None and roi.size == 2 * len(axes):
            part = float(roi[i]), float(roi[i + len(axes)])
        scale = float(scales[i]) if scales is not None and sizes is None else 0.0
        new = sizes[i] if sizes is not None else floor(size * scale)
        plan.append(Axis(axis, size, new, scale or new / max(size, 1), part))
    return _kept_ratio(site, plan) if sizes is not None else plan


def _kept_ratio(site: Site, plan: list[Axis]) -> list[Axis]:
    """Return the plan with one scale for all axes where the aspect ratio is to be kept."""
    policy = site.word("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return plan
    scale = (min if policy == "not_larger" else max)(one.scale for one in plan)
    return [Axis(one.axis, one.size, floor(scale * one.size + 0.5), scale, one.roi) for one in plan]


def _native_mode(method: Method, rank: int) -> dict[str, object] | None:
    """Return the attributes of the interpolation that means the same on the spatial axes; None where none does."""
    aligned = method.places == "align_corners"
    if method.mode == "nearest":
        return {} if method.places == "asymmetric" and method.nearest == "floor" and not method.antialias else None
    if method.places not in (*HALF, "align_corners") or method.antialias:
        return None
    if method.mode == "linear" and rank in (3, 4, 5):
        name = {3: "linear", 4: "bilinear", 5: "trilinear"}[rank]
        return {"mode": name, "align_corners": aligned}
    plain = method.cubic == -0.75 and not method.exclude
    return {"mode": "bicubic", "align_corners": aligned} if method.mode == "cubic" and plain and rank == 4 else None


def _native(method: Method, plan: list[Axis], rank: int) -> dict[str, object] | None:
    exact = all(one.axis >= 2 and one.new >= 1 and one.scale * one.size == one.new for one in plan)
    if not exact or rank not in (3, 4, 5) or any(one.new == 1 for one in plan):
        return None
    return _native_mode(method, rank)


def _interpolated(site: Site, plan: list[Axis], attributes: dict[str, object]) -> str:
    x = site.input_type(0)
    size = list(x.shape[2:])
    for one in plan:
        size[one.axis - 2] = one.new
    return site.emit("interpolate", site.value(0), size=size, **attributes)


def _along(site: Site, value: str, method: Method, one: Axis) -> str:
    """Resample along one axis."""
    if one.size * one.new > MAX_WEIGHTS:
        raise unsupported(
            f"Resize from {one.size} to {one.new}", "nasc writes this kind of Resize as a matrix", "limit"
        )
    weights, outside = weights_of(method, one)
    kind = site.type(value)
    if method.mode == "nearest" and not outside.any():
        return site.emit("index", value, site.constant(weights.argmax(axis=1)), dim=one.axis)
    order = [axis for axis in range(kind.rank) if axis != one.axis] + [one.axis]
    back = [order.index(axis) for axis in range(kind.rank)]
    matrix = site.constant(weights.T.astype(NUMPY[kind.dtype]))
    made = site.emit("matmul", site.permute(value, order), matrix)
    if outside.any():
        fill = site.scalar(method.outside, kind.dtype)
        made = site.emit("where", site.constant(outside), fill, made)
    return site.permute(made, back)


def weights_of(method: Method, one: Axis) -> tuple[Array, Array]:
    """Return what each old element counts in each new one, ``[new, size]``, and which new ones lie outside."""
    weights = np.zeros((one.new, one.size))
    outside = np.zeros(one.new, dtype=np.bool_)
    for i in range(one.new):
        place = _place(method.places, i, one)
        if method.places == "tf_crop_and_resize" and not 0 <= place <= one.size - 1:
            outside[i] = True
            continue
        before = ceil(place) - 1
        offsets, parts = _parts(method, place - before, one.scale)
        spots = before + offsets
        if method.exclude:
            parts = np.where((spots < 0) | (spots >= one.size), 0, parts)
            parts = parts / parts.sum()
        np.add.at(weights[i], np.clip(spots, 0, one.size - 1), parts)
    return weights, outside


def _place(mode: str, i: int, one: Axis) -> float:
    """Return where a new element lies among the old ones."""
    width = one.scale * one.size
    if mode == "align_corners":
        return 0.0 if width == 1 else i * (one.size - 1) / (width - 1)
    if mode == "asymmetric":
        return i / one.scale
    if mode == "tf_crop_and_resize":
        start, end = one.roi
        if width == 1:
            return (start + end) * (one.size - 1) / 2
        return i * (end - start) * (one.size - 1) / (width - 1) + start * (one.size - 1)
    if mode == "pytorch_half_pixel" and width == 1:
        return -0.5
    if mode == "half_pixel_symmetric":
        shift = one.size / 2 * (1 - one.new / width)
        return shift + (i + 0.5) / one.scale - 0.5
    return (i + 0.5) / one.scale - 0.5


def _parts(method: Method, ratio: float, scale: float) -> tuple[Array, Array]:
    """Return what the neighbours count for a place ``ratio`` behind the one before it, and where they are."""
    scale = min(scale, 1.0) if method.antialias else 1.0
    if method.mode == "nearest":
        return np.arange(2), _nearest(method.nearest, ratio)
    if method.mode == "linear":
        start = floor(-1 / scale) + 1
        offsets = np.arange(start, 2 - start)
        parts = np.clip(1 - np.abs((offsets - ratio) * scale), 0, 1)
    else:
        start = floor(-2 / scale) + 1
        offsets = np.arange(start, 2 - start)
        parts = _cubic(np.abs((offsets - ratio) * scale), method.cubic)
    return offsets, parts / parts.sum() if method.antialias else parts


def _nearest(mode: str, ratio: float) -> Array:
    after = {"floor": False, "ceil": True, "round_prefer_ceil": ratio >= 0.5}.get(mode, ratio > 0.5)
    return np.array([0.0, 1.0] if after or ratio == 1 else [1.0, 0.0])


def _cubic(x: Array, a: float) -> Array:
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


RULES: Mapping[str, Callable[[Site], Values]] = {"Resize": resize}
