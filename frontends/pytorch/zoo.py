"""Models of libraries: ``timm:NAME`` and ``torchvision:NAME``, with random weights and their usual input."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from torch import nn

from ...ir import NascError, TensorType, did_you_mean, f32
from ..source import Source

Built = tuple[nn.Module, tuple[TensorType, ...]]


def build_timm(source: Source) -> Built:
    """Return a model of timm and the input of its pretrained configuration."""
    timm = _library("timm")
    name = source.name.partition(".")[0]
    if not timm.is_model(name):
        raise _unknown(source, timm.list_models())
    model = _made(source, lambda: timm.create_model(source.name, pretrained=False, **source.keyword))
    size = model.pretrained_cfg.get("input_size") or (3, 224, 224)
    return model, (f32(1, *size),)


def build_torchvision(source: Source) -> Built:
    """Return a model of torchvision and the input that it, or else its published weights, take."""
    models = _library("torchvision").models
    if source.name not in models.list_models():
        raise _unknown(source, models.list_models())
    model = _made(source, lambda: models.get_model(source.name, weights=None, **source.keyword))
    side = getattr(model, "image_size", None)
    return model, (f32(1, 3, *((side, side) if isinstance(side, int) else _crop(models, source.name))),)


def _crop(models: Any, name: str) -> tuple[int, ...]:
    """Return height and width (after the frames of a video model) that published weights are evaluated at."""
    try:
        transforms = models.get_model_weights(name).DEFAULT.transforms()
        side = transforms.crop_size
    except (ValueError, AttributeError):
        return (224, 224)
    sizes = tuple(side) if isinstance(side, list | tuple) else (side,)
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    return (16, *sizes) if "video" in type(transforms).__name__.lower() else sizes


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NascError.of(f"{name} is not installed", f"pip install {name}", "no-library") from error


def _made(source: Source, build: Any) -> Any:
    if source.positional:
        raise NascError.of(
            f"{source.text}: arguments must be named",
            f"write {source.kind}:{source.name}(num_classes=10)",
            "arguments",
        )
    try:
        return build()
    except Exception as error:
        raise NascError.of(
            f"{source.text} cannot be built: {type(error).__name__}: {error}",
            f"the arguments are those of {source.kind}'s {source.name}",
            "arguments",
        ) from error


def _unknown(source: Source, names: list[str]) -> NascError:
    return NascError.of(
        f"{source.kind} has no model {source.name!r}", did_you_mean(source.name, names), "unknown-model"
    )
