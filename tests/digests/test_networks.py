"""One network has one digest, whatever it is written in."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nasc.backends import emit_torch
from nasc.frontends import lower, lower_source
from nasc.grammar import parse, print_module
from nasc.ir import Module
from nasc.passes import Outline, network_digest
from nasc.passes.diffing import diff
from nasc.tests.digests.networks import NETWORKS

HERE = Path(__file__).parent
VIT = HERE.parents[1] / "examples" / "vit_tiny.py"


def written(name: str) -> Module:
    return parse((HERE / f"{name}.nasc").read_text(encoding="utf-8"), f"{name}.nasc")


def lowered(name: str) -> Module:
    cls, shape = NETWORKS[name]
    return lower(cls(), torch.zeros(shape)).module


def rebuilt(module: Module, name: str, *inputs: torch.Tensor) -> Module:
    """Emit a module, run the code and lower what it builds."""
    scope: dict[str, Any] = {}
    exec(compile(emit_torch(module), name, "exec"), scope)  # noqa: S102 - emitted by us
    return lower(scope["build_model"](), *inputs).module


@pytest.mark.parametrize("name", NETWORKS)
def test_text_is_the_network_of_pytorch(name: str) -> None:
    assert network_digest(written(name)) == network_digest(lowered(name))


@pytest.mark.filterwarnings("ignore")  # the exporter warns of itself
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_is_the_network_of_pytorch(name: str, tmp_path: Path) -> None:
    """Batch norms are kept: the exporter else folds them into the convolutions, which is another network."""
    pytest.importorskip("onnx", reason="onnx is not installed")
    cls, shape = NETWORKS[name]
    path = str(tmp_path / f"{name}.onnx")
    keep: Any = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    batch: Any = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    model: nn.Module = cls().eval()
    torch.onnx.export(model, (torch.zeros(shape),), path, dynamo=False, **keep, **batch)
    read, text = lower_source(path).module, written(name)
    assert network_digest(read) == network_digest(text)
    if "momentum" not in print_module(text) and "dropout" not in print_module(text):
        assert diff(read, text).entries == diff(text, read).entries == ()


def test_the_seven_networks_differ() -> None:
    assert len({network_digest(written(name)) for name in NETWORKS}) == len(NETWORKS)


@pytest.mark.parametrize(
    ("name", "outlined"), [("squeeze_excite", False), ("transformer_encoder", False), ("residual", True)]
)
def test_emitted_code_is_the_same_network(name: str, outlined: bool) -> None:
    module = written(name)
    x = torch.zeros(NETWORKS[name][1])
    again = rebuilt(Outline()(module) if outlined else module, name, x)
    assert network_digest(again) == network_digest(module)


def test_an_emitted_example_is_the_same_network() -> None:
    """Class token and positions are parameters of the model itself; twelve blocks are outlined as one."""
    module = lower_source(str(VIT)).module
    x = torch.zeros([1 if not isinstance(dim, int) else dim for dim in module.main.inputs[0].type.shape])
    again = rebuilt(Outline()(module), VIT.stem, x)
    assert network_digest(again) == network_digest(module)
