"""Small data sets to train candidates on, without their test parts, and how their samples fit a network.

``mnist1d``: Greydanus, "Scaling down deep learning" (2020), made by its own generator: 4,000 signals of 40 numbers to
train on, of which EvoPrompting (Chen et al. 2023) holds 500 out for validation, and 1,000 for the test. ``digits``:
scikit-learn's 1,797 images of 8x8 handwritten digits (UCI), 1,000 to train on, 300 for validation, 497 for the test.
Test parts are dropped as the data is read; :mod:`nasc.search.held_out` reads them for reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...ir import DType, Module, NascError, TensorType, did_you_mean, infer
from ...ir.files import user_cache_dir, whole
from .layouts import channels_last_input

CLASSES = 10
HELD_OUT = 500
"""Samples of mnist1d's training part that are held out for validation."""
DIGITS = 1000, 300
"""Images of digits to train on and to validate with; the others are the test part."""
_ORDER = 20260101


@dataclass(frozen=True)
class Samples:
    """Inputs [n, ...] of dtype float32 and their classes [n]."""

    x: Tensor = field(repr=False)
    y: Tensor = field(repr=False)


@dataclass(frozen=True)
class Task:
    """A data set to train on, with what a search may see of it; ``shapes`` are those that a sample can take."""

    name: str
    train: Samples
    validation: Samples
    shapes: tuple[tuple[int, ...], ...]

    def adapted(self, module: Module) -> Task:
        """Return the task with samples in the shape that a network takes.

        Raises NascError where the network takes something else or does not give a score for each class.
        """
        shape = self._shape(module)
        return Task(self.name, reshaped(self.train, shape), reshaped(self.validation, shape), (shape,))

    def _shape(self, module: Module) -> tuple[int, ...]:
        main = infer(module).module.main
        given, made = main.inputs, main.output_types
        if len(given) != 1 or given[0].type.dtype is not DType.F32:
            raise self._unfit(f"takes {', '.join(str(value.type) for value in given) or 'nothing'}")
        shape = given[0].type.shape
        sizes = tuple(size for size in shape[1:] if isinstance(size, int))
        if not shape or isinstance(shape[0], int) or len(sizes) != len(shape) - 1 or not self._takes(sizes):
            raise self._unfit(f"takes {given[0].type}")
        if len(made) != 1 or made[0].shape != (shape[0], CLASSES) or made[0].dtype is not DType.F32:
            hint = f"expected one output {TensorType(DType.F32, (shape[0], CLASSES))}"
            given_back = ", ".join(map(str, made)) or "nothing"
            raise NascError.of(f"the network gives {given_back}, and {self.name} has 10 classes", hint, "evaluator")
        return sizes

    def _takes(self, sizes: tuple[int, ...]) -> bool:
        if sizes in self.shapes:
            return True
        image = self.name == "digits" and len(sizes) == 3 and sizes[0] in (1, 3)
        return image and sizes[1] == sizes[2] and sizes[1] % 8 == 0 and 0 < sizes[1] <= 64

    def _unfit(self, does: str) -> NascError:
        forms = [f"f32[N,{','.join(map(str, shape))}]" for shape in self.shapes]
        more = " or images f32[N,3,8k,8k]" if self.name == "digits" else ""
        hint = f"expected {', '.join(forms)}{more}"
        return NascError.of(f"the network {does}, and {self.name} has other samples", hint, "evaluator")


def reshaped(samples: Samples, shape: tuple[int, ...]) -> Samples:
    """Return samples in a shape; images are enlarged by repeating their pixels, and repeated for each channel."""
    x = samples.x
    if len(shape) == 3 and shape[1] * shape[2] != x[0].numel():
        times = shape[1] // x.shape[1]
        x = x.repeat_interleave(times, 1).repeat_interleave(times, 2)
    if len(shape) == 3:
        x = x.reshape(len(x), 1, *shape[1:]).expand(len(x), *shape)
    return Samples(channels_last_input(x.reshape(len(x), *shape).contiguous()), samples.y)


def load_task(name: str) -> Task:
    """Return a data set by name, without its test part. Raises NascError where there is none, or no library."""
    if name not in TASKS:
        raise NascError.of(f"there is no data set {name!r}", did_you_mean(name, TASKS), "evaluator")
    return TASKS[name]()


def _mnist1d() -> Task:
    x, y = _kept("mnist1d-1", lambda: mnist1d_parts()[0])
    train = Samples(x[:-HELD_OUT], y[:-HELD_OUT])
    return Task("mnist1d", train, Samples(x[-HELD_OUT:], y[-HELD_OUT:]), ((40,), (1, 40), (40, 1)))


def _digits() -> Task:
    train, validation, _ = digits_parts()
    return Task("digits", Samples(*train), Samples(*validation), ((64,), (1, 8, 8), (8, 8)))


TASKS: Mapping[str, Callable[[], Task]] = {"mnist1d": _mnist1d, "digits": _digits}
Part = tuple[Tensor, Tensor]


def mnist1d_parts() -> tuple[Part, Part]:
    """Return the training and the test part as the package's generator makes them, by its own seed."""
    made: Any = _module("mnist1d.data", "mnist1d")
    data = made.make_dataset(made.get_dataset_args())
    return _part(data["x"], data["y"]), _part(data["x_test"], data["y_test"])


def digits_parts() -> tuple[Part, Part, Part]:
    """Return the parts for training, validation and test, in an order drawn once; pixels have mean 0 and deviation 1
    over the training part.
    """  # noqa: D205
    data: Any = _module("sklearn.datasets", "scikit-learn").load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(_ORDER)).tolist()
    x, y = _part(data.images[order], data.target[order])
    first, second = DIGITS[0], sum(DIGITS)
    x = (x - x[:first].mean()) / x[:first].std()
    return (x[:first], y[:first]), (x[first:second], y[first:second]), (x[second:], y[second:])


def _module(name: str, package: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise NascError.of(f"{package} is not installed", "pip install 'nasc[search]'", "no-library") from None


def _part(x: Any, y: Any) -> Part:
    return torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y, dtype=torch.int64)


def _kept(name: str, make: Callable[[], Part]) -> Part:
    """Return a part from the user's cache folder, made where it is not there."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    path = user_cache_dir() / "datasets" / f"{name}.safetensors"
    try:
        kept = load_file(path)
        return kept["x"], kept["y"]
    except (OSError, SafetensorError, KeyError):
        x, y = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            save_file({"x": x, "y": y}, part)
    except OSError:
        pass  # a folder that cannot be written costs the time again, nothing else
    return x, y
