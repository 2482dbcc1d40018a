"""What a person may name, what is found, and what each bad input is told; errors are held to golden texts.

``NASC_UPDATE_GOLDEN=1 pytest tests/frontends/test_discovery.py`` writes the texts anew.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nasc.frontends import lower_source
from nasc.grammar import print_module
from nasc.ir import NascError

GOLDEN = Path(__file__).parents[1] / "golden" / "frontends"
ERRORS: dict[str, tuple[Any, ...]] = {
    "does not import": ("noimport.py",),
    "does not parse": ("syntax.py",),
    "ends the program": ("exits.py",),
    "cannot be built": ("buildfail.py",),
    "has no model": ("nomodel.py",),
    "has two models": ("two.py",),
    "needs arguments": ("needs.py",),
    "named model needs arguments": ("two.py:C",),
    "wrong arguments": ("two.py:A(classes=3)",),
    "not literals": ("two.py:A(n=[open('x')])",),
    "a builtin among arguments": ("two.py:A(n=open('x'))",),
    "unknown name among arguments": ("configured.py:Net(config=Confg(depth=2))",),
    "a function among arguments": ("configured.py:Net(config=os.getenv('HOME'))",),
    "wrong arguments of an argument": ("configured.py:Net(config=Config(dept=2))",),
    "needs a configuration": ("configured.py",),
    "not a call": ("two.py:A(3",),
    "instance with arguments": ("instance.py:model(3)",),
    "not a model": ("instance.py:number",),
    "misspelt model": ("two.py:AA",),
    "branches on data": ("branch.py",),
    "unknown operations": ("missing.py",),
    "wrong shape": ("wrongshape.py",),
    "wrong dtype": ("half.py", ["1x3x2x2"]),
    "runs but cannot be captured": ("packed.py", ["f32[3,5,2]"]),
    "loader of text": ("batches.py", [], "words"),
    "no input": ("noinput.py",),
    "too few inputs": ("two_inputs.py", ["i64[2,5]"]),
    "misspelt loader": ("loaders.py", [], "train_loaders"),
    "bad shape": ("prints.py", ["1x3xa"]),
    "bad dtype": ("prints.py", ["f31[1,3]"]),
    "empty shape": ("prints.py", ["1x0x3"]),
    "no file": ("bilt.py",),
    "no such kind": ("model.h5",),
    "library model without library": ("resnet18",),
    "misspelt timm model": ("timm:resnet81",),
    "misspelt torchvision model": ("torchvision:resnet81",),
    "wrong timm arguments": ("timm:resnet18(depth=3)",),
    "not a program": ("broken.pt2",),
    "not JSON": ("broken.json",),
}


@pytest.fixture(autouse=True)
def _in_a_copy(tmp_path, monkeypatch):
    """Work in a copy of the models, with one beside them that no tool for Python files could read."""
    shutil.copytree(GOLDEN, tmp_path / "models")
    (tmp_path / "models" / "syntax.py").write_text("class M(:\n    pass\n")
    monkeypatch.chdir(tmp_path / "models")


@pytest.mark.parametrize("case", ERRORS)
def test_error_says_where_what_and_what_would_be_right(case):
    if "timm" in case or "torchvision" in case:
        pytest.importorskip("timm" if "timm" in case else "torchvision")
    with pytest.raises(NascError) as caught:
        lower_source(*ERRORS[case])
    text = caught.value.render() + "\n"
    golden = GOLDEN / f"{case.replace(' ', '_')}.txt"
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", ["fixed", "ranged"])
def test_a_fixed_batch_is_a_warning_with_its_line(name):
    lowered = lower_source(f"{name}.py")
    (warning,) = lowered.diagnostics
    text = warning.render() + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    assert isinstance(lowered.module.main.inputs[0].type.shape[0], int)


def test_what_a_model_prints_stays_out_of_the_pipe(capsys):
    lowered = lower_source("prints.py")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[:2] == ["importing", "building"]
    assert len(lowered.module.main.nodes) == 1


def test_the_class_that_no_other_uses_is_meant():
    main = lower_source("built.py").module.main
    assert dict(main.scopes) == {"": "Net", "block": "Block"}
    assert [str(i.type) for i in main.inputs] == ["i64[N,5]", "f32[N,5,8]"]


def test_an_instance_is_found():
    assert [node.op.name for node in lower_source("instance.py").module.main.nodes] == ["linear", "relu"]


def test_arguments_reach_the_model():
    for source in ("loaders.py:Net(classes=7)", "loaders.py:Net(7)"):
        main = lower_source(source, ["2x4"]).module.main
        assert str(main.output_types[0]) == "f32[N,7]"


def test_arguments_may_name_what_the_file_has():
    for source, length in (
        ("configured.py:Net(config=Config(depth=2))", 4),
        ("configured.py:Net(Config(act=nn.GELU))", 2),
        ("configured.py:Net(config=argparse.Namespace(depth=1, act=torch.nn.ReLU))", 2),
    ):
        assert len(lower_source(source, ["2x4"]).module.main.nodes) == length


def test_a_file_of_a_package_imports_its_neighbours():
    folder = Path("vision/nets")
    folder.mkdir(parents=True)
    for name in ("vision/__init__.py", "vision/nets/__init__.py"):
        Path(name).touch()
    Path("vision/sizes.py").write_text("width = 3\n")
    Path("vision/nets/one.py").write_text(
        "import sys\nfrom torch import nn\nfrom ..sizes import width\n"
        "model = nn.Linear(4, width)\nassert sys.argv == ['vision/nets/one.py']\n"
    )
    before = list(sys.path), sys.argv
    main = lower_source("vision/nets/one.py", ["2x4"]).module.main
    assert str(main.output_types[0]) == "f32[N,3]"
    assert (sys.path, sys.argv) == before


def test_a_model_that_takes_nothing_needs_no_input():
    Path("nothing.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.w = nn.Parameter(torch.ones(2, 3))\n\n"
        "    def forward(self):\n        return self.w + 1\n"
    )
    main = lower_source("nothing.py").module.main
    assert (main.inputs, str(main.output_types[0])) == ((), "f32[2,3]")


def test_the_input_that_is_suggested_is_one_that_the_model_runs_on():
    Path("digits.py").write_text(
        "from torch import nn\n"
        "model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 13 * 13, 10))\n"
    )
    with pytest.raises(NascError) as caught:
        lower_source("digits.py")
    (found,) = caught.value.diagnostics
    assert found.hint.splitlines()[0] == "nasc lower digits.py --input 1x1x28x28"


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("Timed()", "--input 1x3x32x32 --input 'i64[1]'"),
        ("nn.Linear(3, 4).half()", "--input 'f16[1,3]'"),
        ("nn.TransformerEncoderLayer(8, 2, 8)", "--input 1x8"),
        ("nn.Linear(3, 4, device='meta')", "--input 1x3"),
    ],
)
def test_inputs_are_suggested_once_an_argument_and_in_the_dtype_of_the_weights(model, hint):
    Path("timed.py").write_text(
        "from torch import nn\n\n\nclass Timed(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.time, self.image = nn.Embedding(9, 4), nn.Conv2d(3, 4, 3)\n\n    def forward(self, x, t):\n"
        f"        return self.image(x) + self.time(t).view(1, 4, 1, 1)\n\n\nmodel = {model}\n"
    )
    with pytest.raises(NascError) as caught:
        lower_source("timed.py")
    (found,) = caught.value.diagnostics
    assert found.hint.splitlines()[0] == f"nasc lower timed.py {hint}"


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_the_shapes_of_a_recurrent_layer_come_from_its_first_step(kind):
    Path("steps.py").write_text(
        f"from torch import nn\nmodel = nn.{kind}(3, 5, num_layers=2, bidirectional=True, batch_first=True)\n"
    )
    main = lower_source("steps.py", ["2x9x3"]).module.main
    assert [str(t) for t in main.output_types][:2] == ["f32[N,9,10]", "f32[4,N,5]"]
    assert [node.op.name for node in main.nodes].count(kind.lower()) == 1


def test_a_data_loader_gives_the_input():
    main = lower_source("loaders.py", data="train_loader").module.main
    assert [str(i.type) for i in main.inputs] == ["f32[N,4]"]


@pytest.mark.parametrize("name", ["pairs", "make", "batch", "named"])
def test_batches_may_be_dicts(name):
    main = lower_source("batches.py:Net" if name != "named" else "batches.py:Named", data=name).module.main
    assert [str(i.type) for i in main.inputs] == ["f32[N,4]", "f32[N,4]"]


def test_torchvision_models_have_their_own_input():
    pytest.importorskip("torchvision")
    main = lower_source("torchvision:squeezenet1_1(num_classes=7)").module.main
    assert (str(main.inputs[0].type), str(main.output_types[0])) == ("f32[N,3,224,224]", "f32[N,7]")


def test_a_saved_program_is_lowered_to_the_same(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(4, 2)).eval()
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (torch.randn(2, 4),), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "model.pt2")
    lowered = lower_source(str(tmp_path / "model.pt2"))
    assert str(lowered.module.main.inputs[0].type) == "f32[N,4]"
    assert set(lowered.weights) == {"0.weight", "0.bias"}


def test_text_comes_from_a_file_or_a_pipe(tmp_path, monkeypatch):
    lowered = lower_source("instance.py")
    text = print_module(lowered.module)
    (tmp_path / "model.nasc").write_text(text)
    assert lower_source(str(tmp_path / "model.nasc")).module == lowered.module
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert lower_source("-").module == lowered.module
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(NascError, match="<stdin> is empty"):
        lower_source("-")
