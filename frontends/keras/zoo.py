"""Keras models that need no file of the user: ``keras:ResNet50`` with random weights, and ``.keras`` files."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ...ir import NascError, TensorType, did_you_mean, f32
from ..lowered import Lowered
from ..source import Source
from . import keras_with_torch, lower_keras
from .runtime import seeded


def lower_application(source: Source, types: Sequence[TensorType]) -> Lowered:
    """Return a model of keras.applications, at its default size unless ``types`` say another (as Keras takes it)."""
    applications = keras_with_torch().applications
    names = [name for name in dir(applications) if inspect.isfunction(getattr(applications, name))]
    if source.name not in names:
        raise NascError.of(f"keras has no model {source.name!r}", did_you_mean(source.name, names), "unknown-model")
    if source.positional:
        hint = f"write keras:{source.name}(classes=10)"
        raise NascError.of(f"{source.text}: arguments must be named", hint, "arguments")
    arguments = dict(source.keyword)
    if types:
        arguments.setdefault("input_shape", tuple(types[0].shape[1:]))
    with seeded():
        model = _built(source, architecture(source.name), {"weights": None, **arguments})
        return lower_keras(model, types or _usual(model), source.text)


def architecture(name: str) -> Any:
    """Return the function that builds an architecture of keras.applications.

    Keras refuses to build NASNetMobile under its torch backend (see docs/keras.md for why); its parts do.
    """
    from keras.src.applications.nasnet import NASNet

    def nasnet_mobile(input_shape: Any = None, **arguments: Any) -> Any:
        mobile = {"stem_block_filters": 32, "skip_reduction": False, "filter_multiplier": 2, "default_size": 224}
        return NASNet(input_shape, penultimate_filters=1056, num_blocks=4, **mobile, **arguments)

    return nasnet_mobile if name == "NASNetMobile" else getattr(keras_with_torch().applications, name)


def _usual(model: Any) -> list[TensorType]:
    """Return the size that published weights take, where a model leaves it open; none where it says one."""
    shape = model.input_shape
    return [f32(1, 224, 224, shape[-1])] if None in shape[1:] else []


def lower_file(source: Source, types: Sequence[TensorType]) -> Lowered:
    """Return the model of a ``.keras`` file."""
    from .loading import load

    with seeded():
        return lower_keras(load(source.place), types, source.text)


def _built(source: Source, function: Any, arguments: dict[str, Any]) -> Any:
    try:
        return function(**arguments)
    except Exception as error:
        raise NascError.of(
            f"{source.text} cannot be built: {type(error).__name__}: {error}",
            f"the arguments are those of keras.applications.{source.name}",
            "arguments",
        ) from error
