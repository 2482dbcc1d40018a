"""Which framework an object of a user's file belongs to, asked without importing any; and how two get on."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

_FOREIGN = re.compile(rb"\b(tensorflow|keras)\b")


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


def make_way(place: str = "") -> None:
    """Load Triton where TensorFlow may come; for a file ``place``, only where it mentions TensorFlow or Keras.

    Both bring an LLVM of their own, and a process in which Triton comes second ends with a segmentation fault
    (tensorflow-cpu 2.21, triton 3.8); PyTorch loads Triton late, when a model is exported.
    """
    if place and not _FOREIGN.search(Path(place).read_bytes()):
        return
    if "tensorflow" not in sys.modules and find_spec("tensorflow") and find_spec("triton"):
        import_module("triton")


def _is(value: object, module: str, name: str) -> bool:
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(value, cls)
