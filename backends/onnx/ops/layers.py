"""Convolutions, linear layers and embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..writer import Site, Value


def _linear(site: Site) -> Value:
    weight, bias = site.weights["weight"], site.weights.get("bias")
    if site.type.rank == 2:
        return site.add("Gemm", site.x, weight, *([bias] if bias else []), transB=1)
    product = site.add("MatMul", site.x, site.add("Transpose", weight, perm=[1, 0]))
    return site.add("Add", product, bias) if bias else product


def _embedding(site: Site) -> Value:
    return site.add("Gather", site.weights["weight"], site.x)


def _window(site: Site) -> dict[str, Any]:
    padding = site.fixed(site.get("padding"), "padding")
    return {
        "kernel_shape": site.fixed(site.get("kernel_size"), "kernel_size"),
        "strides": site.fixed(site.get("stride"), "stride"),
        "pads": [*padding, *padding],
        "dilations": site.fixed(site.get("dilation"), "dilation"),
    }


def _convolution(site: Site) -> Value:
    (group,) = site.fixed([site.get("groups")], "groups")
    return site.add("Conv", site.x, *site.weights.values(), group=group, **_window(site))


def _transposed(site: Site) -> Value:
    (group,) = site.fixed([site.get("groups")], "groups")
    extra = site.fixed(site.get("output_padding"), "output_padding")
    given = {"output_padding": extra} if any(extra) else {}
    return site.add("ConvTranspose", site.x, *site.weights.values(), group=group, **_window(site), **given)


def _unfold(site: Site) -> Value:
    """Windows as columns: a convolution in as many groups as channels, each kernel of which picks one place."""
    (channels,) = site.fixed([site.type.shape[1]], "the channels")
    kernel = site.fixed(site.get("kernel_size"), "kernel_size")
    places = int(np.prod(kernel))
    picks = np.tile(np.eye(places).reshape(places, 1, *kernel), (channels, 1, 1, 1))
    columns = site.add("Conv", site.x, site.number(picks), group=channels, **_window(site))
    return site.add("Reshape", columns, site.axes(0, channels * places, -1))


def _fold(site: Site) -> Value:
    window = _window(site)
    kernel = site.axes(*window.pop("kernel_shape"))
    return site.add("Col2Im", site.x, site.sizes(site.get("output_size")), kernel, **window)


LAYERS: Mapping[str, Callable[[Site], Value]] = MappingProxyType(
    {
        "conv1d": _convolution,
        "conv2d": _convolution,
        "conv3d": _convolution,
        "conv_transpose1d": _transposed,
        "conv_transpose2d": _transposed,
        "conv_transpose3d": _transposed,
        "embedding": _embedding,
        "fold": _fold,
        "linear": _linear,
        "unfold": _unfold,
    }
)
