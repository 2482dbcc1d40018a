"""Pooling and resampling of feature maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from ..writer import Site, Value


def _window(site: Site) -> dict[str, Any]:
    kernel = site.fixed(site.get("kernel_size"), "kernel_size")
    padding = site.fixed(site.get("padding"), "padding")
    return {
        "kernel_shape": kernel,
        "strides": site.fixed(site.get("stride") or kernel, "stride"),
        "pads": [*padding, *padding],
        "ceil_mode": int(site.get("ceil_mode")) or None,
    }


def _max_pool(site: Site) -> Value:
    return site.add("MaxPool", site.x, dilations=site.fixed(site.get("dilation"), "dilation"), **_window(site))


def _max_pool_with_places(site: Site) -> Sequence[Value]:
    given = {"dilations": site.fixed(site.get("dilation"), "dilation"), **_window(site)}
    return _in_map(site, *site.add_many("MaxPool", 2, site.x, **given))


def _in_map(site: Site, largest: Value, places: Value) -> Sequence[Value]:
    """Return maxima and where they stand in their map; ONNX counts places through the whole tensor."""
    count = site.type.shape[2] * site.type.shape[3]
    return largest, site.add("Mod", places, site.sizes([count]))


def _avg_pool(site: Site) -> Value:
    window, divisor = _window(site), site.node.op.attributes().get("divisor_override")
    if divisor is None:
        return site.add("AveragePool", site.x, count_include_pad=int(site.get("count_include_pad")) or None, **window)
    if window.pop("ceil_mode"):
        window["pads"] = _whole(site, window)
    mean = site.add("AveragePool", site.x, count_include_pad=1, **window)
    return site.add("Mul", mean, site.number(prod(window["kernel_shape"]) / float(str(divisor))))


def _whole(site: Site, window: Mapping[str, Any]) -> list[int]:
    """Return pads with which each window that rounding up adds lies in the padded map as a whole."""
    sizes = site.fixed(site.type.shape[2:], "the size of the input")
    counts = site.fixed(site.node.type.shape[2:], "the size of the result")
    before = window["pads"][: len(sizes)]
    reach = [(n - 1) * s + k for n, s, k in zip(counts, window["strides"], window["kernel_shape"], strict=True)]
    after = [max(p, end - size - p) for p, end, size in zip(before, reach, sizes, strict=True)]
    return [*before, *after]


def _sizes(site: Site) -> tuple[list[int], list[int]]:
    wanted = site.fixed(site.get("output_size"), "output_size")
    if all(size == 1 for size in wanted):
        return wanted, wanted
    return site.fixed(site.type.shape[2:], "the size of the input"), wanted


def _even(site: Site, type: str, present: list[int], wanted: list[int]) -> Value | None:
    """Return the pooling into parts of one size; None where the parts differ."""
    if all(size == 1 for size in wanted):
        return site.add(f"Global{type}", site.x)
    if any(size % parts for size, parts in zip(present, wanted, strict=True)):
        return None
    kernel = [size // parts for size, parts in zip(present, wanted, strict=True)]
    return site.add(type, site.x, kernel_shape=kernel, strides=kernel)


def _parts(size: int, count: int) -> list[tuple[int, int]]:
    """Return where the parts of an axis begin and end, as PyTorch cuts it: they may overlap."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _adaptive_avg_pool(site: Site) -> Value:
    """Parts of unequal size are means by a matrix, one axis after the other."""
    present, wanted = _sizes(site)
    even = _even(site, "AveragePool", present, wanted)
    if even is not None:
        return even
    x, rank = site.x, site.type.rank
    for axis, (size, count) in enumerate(zip(present, wanted, strict=True), start=2):
        means = np.zeros((size, count))
        for part, (start, end) in enumerate(_parts(size, count)):
            means[start:end, part] = 1 / (end - start)
        order = [place for place in range(rank) if place != axis] + [axis]
        back = [order.index(place) for place in range(rank)]
        rows = site.add("Transpose", x, perm=order) if axis != rank - 1 else x
        x = site.add("MatMul", rows, site.number(means))
        x = site.add("Transpose", x, perm=back) if axis != rank - 1 else x
    return x


def _adaptive_max_pool(site: Site) -> Value:
    present, wanted = _sizes(site)
    even = _even(site, "MaxPool", present, wanted)
    if even is not None:
        return even
    x = site.x
    for axis, (size, count) in enumerate(zip(present, wanted, strict=True), start=2):
        where = site.axes(axis)
        parts = [site.add("Slice", x, site.axes(a), site.axes(b), where) for a, b in _parts(size, count)]
        x = site.add("Concat", *(site.add("ReduceMax", part, where, keepdims=1) for part in parts), axis=axis)
    return x


def _adaptive_max_pool_with_places(site: Site) -> Sequence[Value]:
    present = site.fixed(site.type.shape[2:], "the size of the input")
    wanted = site.fixed(site.get("output_size"), "output_size")
    if any(size % parts for size, parts in zip(present, wanted, strict=True)):
        raise site.error(
            f"ONNX cannot express {site.node.op.name} with parts of unequal size, {present} into {wanted}",
            "choose an output size that divides the input's",
        )
    kernel = [size // parts for size, parts in zip(present, wanted, strict=True)]
    return _in_map(site, *site.add_many("MaxPool", 2, site.x, kernel_shape=kernel, strides=kernel))


def _grid_sample(site: Site) -> Value:
    """The modes were renamed in opset 20."""
    mode = site.get("mode")
    if site.opset >= 20:
        mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    corners = int(site.get("align_corners"))
    return site.add(
        "GridSample", *site.operands, mode=mode, padding_mode=site.get("padding_mode"), align_corners=corners
    )


_MODES = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}


def _interpolate(site: Site) -> Value:
    mode, antialias = site.get("mode"), bool(site.get("antialias"))
    given: dict[str, Any] = {"mode": _MODES.get(mode, "nearest"), "axes": list(range(2, site.type.rank))}
    given["coordinate_transformation_mode"] = "align_corners" if site.get("align_corners") else "half_pixel"
    if mode == "nearest":
        given.update(coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    elif mode == "nearest-exact":
        given.update(nearest_mode="round_prefer_ceil")
    elif mode == "bicubic":
        given.update(cubic_coeff_a=-0.5 if antialias else -0.75, exclude_outside=int(antialias) or None)
    return site.add(
        "Resize", site.x, None, None, site.sizes(site.get("size")), antialias=int(antialias) or None, **given
    )


def _pixel_shuffle(site: Site) -> Value:
    (factor,) = site.fixed([site.get("upscale_factor")], "upscale_factor")
    return site.add("DepthToSpace", site.x, blocksize=factor, mode="CRD")


def _pixel_unshuffle(site: Site) -> Value:
    """SpaceToDepth puts the places before the channels, PyTorch after: so reshape, permute, reshape."""
    (r,) = site.fixed([site.get("downscale_factor")], "downscale_factor")
    n, c, h, w = site.type.shape
    apart = (n, c, h // r, r, w // r, r)
    split = site.reshaped(site.x, site.type.shape, apart)
    moved = site.add("Transpose", split, perm=[0, 1, 3, 5, 2, 4])
    return site.reshaped(moved, (n, c, r, r, h // r, w // r), site.result.shape)


POOLING: Mapping[str, Callable[[Site], Value | Sequence[Value]]] = MappingProxyType(
    {
        "adaptive_avg_pool1d": _adaptive_avg_pool,
        "adaptive_avg_pool2d": _adaptive_avg_pool,
        "adaptive_avg_pool3d": _adaptive_avg_pool,
        "adaptive_max_pool1d": _adaptive_max_pool,
        "adaptive_max_pool2d": _adaptive_max_pool,
        "adaptive_max_pool2d_with_indices": _adaptive_max_pool_with_places,
        "adaptive_max_pool3d": _adaptive_max_pool,
        "avg_pool1d": _avg_pool,
        "avg_pool2d": _avg_pool,
        "avg_pool3d": _avg_pool,
        "grid_sample": _grid_sample,
        "interpolate": _interpolate,
        "max_pool1d": _max_pool,
        "max_pool2d": _max_pool,
        "max_pool2d_with_indices": _max_pool_with_places,
        "max_pool3d": _max_pool,
        "pixel_shuffle": _pixel_shuffle,
        "pixel_unshuffle": _pixel_unshuffle,
    }
)
