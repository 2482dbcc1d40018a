"""The passes on models of timm: weights, costs and digests hold, and the text is short."""

from functools import cache
from typing import Any

import pytest

from nasc.grammar import parse, print_module
from nasc.ir import Module, NascError, digest, verify
from nasc.passes import Canonicalize, Legalize, Outline, cost, inline
from nasc.tests.passes.edits import random_edit, untyped
from nasc.tests.passes.weights import state_of

timm = pytest.importorskip("timm", reason="timm is not installed")

# Lines of the outlined text without locations, and multiply-accumulates at 224x224 as published, in millions.
MODELS = {
    "resnet18": (50, 1814),
    "mobilenetv3_small_100": (90, 57),
    "vit_tiny_patch16_224": (50, 1254),
    "convnext_tiny": (60, 4456),
    "swin_tiny_patch4_window7_224": (180, 4491),
    "densenet121": (155, 2834),
}


@cache
def lowered(name: str) -> tuple[Module, Any]:
    import torch

    from nasc.frontends import lower

    model = timm.create_model(name).eval()
    return lower(model, torch.zeros(2, 3, 224, 224)).module, model


@pytest.mark.parametrize("name", MODELS)
def test_outline_keeps_the_model(name: str) -> None:
    module, model = lowered(name)
    flat = Canonicalize()(module)
    outlined = Outline()(flat)
    assert verify(outlined) == ()
    assert digest(inline(outlined)) == digest(flat)
    assert state_of(inline(outlined)) == state_of(flat)
    text = print_module(outlined, locations=False)
    assert parse(text).main.nodes
    most, macs = MODELS[name]
    assert len(text.splitlines()) <= most
    total = cost(outlined)
    assert total.params == sum(weight.numel() for weight in model.parameters())
    assert round(total.macs / 1e6) == macs


@pytest.mark.parametrize("name", ["mobilenetv3_small_100", "vit_tiny_patch16_224", "convnext_tiny"])
def test_edits_are_repaired(name: str) -> None:
    before = Outline()(Canonicalize(train=True)(lowered(name)[0]))
    refused = 0
    for seed in range(12):
        text, edited = random_edit(before, seed)
        try:
            after = Legalize(before=before)(untyped(edited, before))
        except NascError:
            refused += 1
            continue
        assert verify(after) == (), text
        assert inline(after).main.output_types == before.main.output_types, text
    assert refused <= 1
