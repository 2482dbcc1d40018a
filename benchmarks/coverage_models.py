"""The models of the coverage benchmark: a small one of each family of timm, transformers, torchvision's classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nasc.frontends.pytorch.finding import BUILDERS
from nasc.frontends.pytorch.suggestions import tensors
from nasc.frontends.pytorch.transformers_zoo import ZOO
from nasc.frontends.source import parse_source

KINDS = ("timm", "transformers", "torchvision")
# Words in the names of small models, smallest first.
_SMALL = """zepto femto atto pico xxtiny xtiny nano xxs _xs xs _micro _mini _tiny tiny _t0 _t _s0 small _s _n _050 _002
    18 b0 _a0 l1 _p0""".split()
# Where the words choose another model than the smallest customary one of the family.
_CHOSEN = {
    "byobnet": "gernet_s",
    "coat": "coat_tiny",
    "efficientnet": "efficientnet_b0",
    "levit": "levit_128s",
    "mobilenetv3": "mobilenetv3_small_050",
    "regnet": "regnetx_002",
    "senet": "legacy_seresnet18",
    "vision_transformer": "vit_tiny_patch16_224",
    "xcit": "xcit_nano_12_p16_224",
}
# Classifiers of torchvision whose windows, positions or last pooling fix the size of their pictures.
_FIXED = ("vit", "maxvit", "alexnet", "vgg")
_SIDE = 96
_SHAKEN = 0.1


@dataclass(frozen=True)
class Subject:
    """One model of the benchmark; ``family`` is what it stands for."""

    kind: str
    name: str
    family: str = ""

    @property
    def key(self) -> str:
        """The model as ``nasc lower`` takes it."""
        return f"{self.kind}:{self.name}"


def subjects(kinds: Sequence[str], limit: int | None = None) -> list[Subject]:
    """Return the models of some kinds, at most ``limit`` of each."""
    listed = {"timm": _timm, "transformers": _transformers, "torchvision": _torchvision}
    return [subject for kind in kinds for subject in listed[kind]()[:limit]]


def _timm() -> list[Subject]:
    import timm

    return [Subject("timm", _smallest(family), family) for family in timm.list_modules()]


def _smallest(family: str) -> str:
    import timm

    if family in _CHOSEN:
        return _CHOSEN[family]
    models: list[str] = timm.list_models(module=family)
    real = [name for name in models if not name.startswith("test_")] or models
    for word in _SMALL:
        found = [name for name in real if word in name]
        if found:
            return min(found, key=lambda name: (len(name), name))
    return real[0]


def _transformers() -> list[Subject]:
    return [Subject("transformers", name, recipe.cls) for name, recipe in ZOO.items()]


def _torchvision() -> list[Subject]:
    from torchvision import models

    return [Subject("torchvision", name) for name in models.list_models(module=models)]


def build(subject: Subject) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Return a model in evaluation mode and example inputs, a batch of one.

    Its vectors (weights of norms, biases, running statistics) are shaken, so that mixed-up weights show. Pictures for
    convolutional classifiers of torchvision are made smaller.
    """
    torch.manual_seed(0)
    model, types = BUILDERS[subject.kind](parse_source(subject.key))
    if subject.kind == "torchvision" and not subject.name.startswith(_FIXED):
        types = tuple(type.with_shape(*type.shape[:2], _SIDE, _SIDE) for type in types)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point() and value.ndim == 1:
                value.add_(torch.rand_like(value) * _SHAKEN)
    return model.eval(), tensors(types)


def batch(inputs: Sequence[Tensor], size: int) -> tuple[Tensor, ...]:
    """Return inputs of the same kind for another batch."""
    made: list[Tensor] = []
    for x in inputs:
        shape = (size, *x.shape[1:])
        made.append(torch.randn(shape) if x.is_floating_point() else torch.randint(1, 200, shape))
    return tuple(made)


def leaves(outputs: Any) -> list[Tensor]:
    """Return the tensors of an output: itself, or those in tuples, dicts and dataclasses."""
    from torch.utils import _pytree as pytree

    return [leaf for leaf in pytree.tree_leaves(outputs) if isinstance(leaf, Tensor)]


def difference(expected: Sequence[Tensor], actual: Sequence[Tensor]) -> float:
    """Return the largest difference over the largest element, of all outputs; infinite where they do not match."""
    if len(expected) != len(actual):
        return float("inf")
    worst = 0.0
    for wanted, got in zip(expected, actual, strict=True):
        if wanted.shape != got.shape:
            return float("inf")
        apart = (wanted.double() - got.double()).abs().max() / wanted.double().abs().max().clamp(min=1e-6)
        worst = max(worst, float(apart)) if apart == apart else float("inf")
    return worst
