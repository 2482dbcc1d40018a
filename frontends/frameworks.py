"""Which framework an object of a user's file belongs to, asked without importing any."""

from __future__ import annotations

import sys


def is_keras_model(value: object) -> bool:
    """Return whether this is a model of Keras."""
    return _is(value, "keras", "Model")


def is_keras_layer(value: object) -> bool:
    """Return whether this is a layer of Keras, or a class of one, and no model."""
    found = value if isinstance(value, type) else type(value)
    keras = sys.modules.get("keras")
    layer, model = getattr(keras, "Layer", None), getattr(keras, "Model", None)
    return isinstance(layer, type) and issubclass(found, layer) and not issubclass(found, model or ())


def is_tensorflow_function(value: object) -> bool:
    """Return whether this is a function that tf.function made, or one traced of it."""
    return callable(value) and hasattr(value, "get_concrete_function") and "tensorflow" in sys.modules


def _is(value: object, module: str, name: str) -> bool:
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(value, cls)
