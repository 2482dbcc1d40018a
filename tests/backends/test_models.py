"""Real models survive the way through the IR: same keys, same numbers, clean code."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nasc.backends import emit_dot, emit_torch
from nasc.frontends import Lowered, lower
from nasc.passes import Outline, Pipeline

timm = pytest.importorskip("timm")
SIZE = 64
MODELS: dict[str, dict[str, Any]] = {
    "resnet18": {},
    "mobilenetv3_small_050": {},
    "vit_tiny_patch16_224": {"img_size": SIZE, "depth": 3},
    "swin_tiny_patch4_window7_224": {"img_size": SIZE, "window_size": 4, "depths": (2, 2), "num_heads": (2, 4)},
}


@pytest.fixture(scope="module", params=MODELS)
def lowered(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, Lowered]:
    torch.manual_seed(0)
    model = timm.create_model(request.param, **MODELS[request.param]).eval()
    for value in model.state_dict().values():
        if value.dtype.is_floating_point and value.ndim == 1:
            value.add_(torch.rand_like(value) / 10)
    return model, lower(model, torch.randn(2, 3, SIZE, SIZE))


@pytest.mark.parametrize("passes", [Pipeline(()), Outline()], ids=["flat", "outlined"])
def test_original_weights_give_the_original_outputs(lowered: Any, load: Any, passes: Any) -> None:
    model, low = lowered
    emitted = load(passes(low.module)).build_model()
    emitted.load_state_dict(model.state_dict(), strict=True)
    x = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        expected, actual = model.eval()(x), emitted.eval()(x)
    assert (expected - actual).abs().max() <= 1e-4 * expected.abs().max()
    emitted.train()(x).sum().backward()


@pytest.mark.parametrize("passes", [Pipeline(()), Outline()], ids=["flat", "outlined"])
def test_code_is_clean(lowered: Any, tmp_path: Path, passes: Any) -> None:
    path = tmp_path / "emitted.py"
    path.write_text(emit_torch(passes(lowered[1].module), ["source: a model"]), encoding="utf-8")
    for arguments in (["check", "--select", "E,F,I,W", "--line-length", "110"], ["format", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_picture_names_every_layer(lowered: Any) -> None:
    text = emit_dot(lowered[1].module)
    assert all(node.path in text for node in lowered[1].module.main.nodes)
