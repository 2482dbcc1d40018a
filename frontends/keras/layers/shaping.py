"""Layers that move, cut, pad or drop elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..call import Call, Rule, sizes
from ..layout import Value, identity
from ..windows import flat
from .convolution import cropped


def same(call: Call) -> Value:
    """Lower what does nothing in evaluation mode."""
    return call.x


def dropout(call: Call) -> Value:
    """Lower Dropout, kept so that the network trains alike."""
    return call.same("dropout", p=float(call.layer.rate))


def channel_dropout(call: Call) -> Value:
    """Lower SpatialDropout, which drops whole channels."""
    return call.same("feature_dropout", call.first(), p=float(call.layer.rate))


def flatten(call: Call) -> Value:
    """Lower Flatten; the features keep our order, and a Dense after it takes its rows in that order."""
    batch, *lengths = call.shape()
    count = 1
    for size in lengths:
        count *= size if isinstance(size, int) else call.fail("it flattens an axis of unknown size")
    if getattr(call.layer, "data_format", "") == "channels_first" and len(lengths) > 1:
        call.fail('data_format="channels_first" flattens the channels last')
    return call.walk.reshaped(call.x, (batch, count), call.path)


def reshape(call: Call) -> Value:
    """Lower Reshape."""
    return reshaped(call, (call.shape()[0], *call.layer.target_shape))


def reshaped(call: Call, target: tuple[Any, ...]) -> Value:
    """Return a reshape to sizes as Keras writes them; one of them may be -1."""
    shape = call.shape()
    if -1 in target[1:]:
        known, total = 1, 1
        for size in target[1:]:
            known *= 1 if size == -1 else size
        for size in shape[1:]:
            total *= size if isinstance(size, int) else call.fail("it reshapes an axis of unknown size")
        target = tuple(total // max(known, 1) if size == -1 else size for size in target)
    return call.walk.reshaped(call.x, target, call.path)


def permute(call: Call) -> Value:
    """Lower Permute: nothing moves until a layer needs another order."""
    return moved(call, (0, *call.layer.dims))


def moved(call: Call, dims: tuple[int, ...]) -> Value:
    """Return a value whose axis ``i`` is axis ``dims[i]`` of the first tensor, as Keras counts them."""
    x = call.walk.unrolled(call.x, call.path)
    return Value(x.name, tuple(dims.index(axis) for axis in x.order))


def repeat_vector(call: Call) -> Value:
    """Lower RepeatVector: ``[N,C]`` to ``[N,n,C]``."""
    x = call.walk.unrolled(call.x, call.path)
    batch, width = call.shape(x)
    wide = call.walk.reshaped(x, (batch, 1, width), call.path)
    return Value(call.emit("expand", wide, shape=(batch, call.layer.n, width)), identity(3))


def zero_padding(call: Call) -> Value:
    """Lower ZeroPadding1D, 2D and 3D."""
    x = call.first()
    return Value(call.emit("pad", x, pad=flat(_pairs(call.layer.padding))), x.order)


def cropping(call: Call) -> Value:
    """Lower Cropping1D, 2D and 3D."""
    x = call.first()
    return Value(cropped(call, x.name, _pairs(call.layer.cropping)), x.order)


def _pairs(given: Any) -> list[tuple[int, int]]:
    """Return (before, after) for each axis, of how Keras keeps them: one axis has a bare pair."""
    return [tuple(pair) for pair in given] if isinstance(given[0], list | tuple) else [tuple(given)]


def up_sampling(call: Call) -> Value:
    """Lower UpSampling1D and 2D by the nearest element, or bilinear."""
    x = call.first()
    space = call.walk.type(x).shape[2:]
    factors = sizes(call.layer.size, len(space))
    mode = getattr(call.layer, "interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        call.fail(f"up-sampling by {mode} has no op")
    size = tuple(old * factor for old, factor in zip(space, factors, strict=True))
    return Value(call.emit("interpolate", x, size=size, mode=mode), x.order)


# Noise and augmentation act in training alone.
_TRAINING = (
    "ActivityRegularization AlphaDropout GaussianDropout GaussianNoise StochasticDepth RandomFlip RandomRotation"
    " RandomZoom RandomTranslation RandomContrast RandomBrightness RandomCrop RandomColorJitter"
    " RandomHue RandomSaturation"
)

SHAPING: Mapping[str, Rule] = {
    **dict.fromkeys((*_TRAINING.split(), "Identity"), same),
    "Dropout": dropout,
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), channel_dropout),
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"), zero_padding),
    **dict.fromkeys(("Cropping1D", "Cropping2D", "Cropping3D"), cropping),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"), up_sampling),
}
