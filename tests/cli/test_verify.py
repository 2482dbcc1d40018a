"""`nasc verify`: exit codes, forms of the certificate, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SMALL = "nasc 1\n\ngraph @main(%x: f32[N,4]) -> f32[N,2] {\n  %y = linear %x {out_features=2} #y\n  return %y\n}\n"


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.nasc"
    path.write_text(SMALL)
    return str(path)


def test_exit_codes_say_whether_the_two_are_equal(nasc: Run, small: str) -> None:
    same = nasc("verify", small, "-", stdin=SMALL)
    assert (same.code, same.out.splitlines()[0], same.err) == (0, "tested: equal", "")
    other = SMALL.replace("return %y", "%z = relu %y\n  return %z")
    different = nasc("verify", small, "-", "--no-train", stdin=other)
    assert (different.code, different.out.splitlines()[0], different.err) == (1, "tested: different", "")
    assert "  not tested gradients and training mode: left out as asked\n" in different.out


def test_a_second_file_that_does_not_say_what_it_takes_is_given_what_the_first_takes(nasc: Run, tmp_path: Path) -> None:
    text = "from torch import nn\n\nmodel = nn.Sequential(nn.Linear(4, 2))\n"
    (tmp_path / "a.py").write_text(text + "input_shape = (1, 5, 4)\n")
    (tmp_path / "b.py").write_text(text)
    done = nasc("verify", str(tmp_path / "a.py"), str(tmp_path / "b.py"), "--seeds", "1", "--batch", "2", "--no-train")
    assert (done.code, done.out.splitlines()[0], done.err) == (0, "tested: equal", "")
    assert "inputs     input: f32[N,5,4], normal numbers\n" in done.out


def test_the_certificate_as_data(nasc: Run, small: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    done = nasc("verify", small, small, "--format", "json", "--seeds", "1", "--batch", "2,5", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    data = json.loads(path.read_text())
    assert data["verdict"] == "tested: equal"
    assert {(check["batch"], check["seed"]) for check in data["checks"]} == {(2, 0), (5, 0)}


def test_the_tolerance_can_be_given(nasc: Run, small: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    weights = torch.arange(8.0).reshape(2, 4)
    save_file({"y.weight": weights, "y.bias": torch.zeros(2)}, tmp_path / "a.safetensors")
    save_file({"y.weight": weights * 1.001, "y.bias": torch.zeros(2)}, tmp_path / "b.safetensors")
    files = ("--weights-a", str(tmp_path / "a.safetensors"), "--weights-b", str(tmp_path / "b.safetensors"))
    assert nasc("verify", small, small, *files).code == 1
    assert nasc("verify", small, small, *files, "--tolerance", "0.01").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.nasc",), "the following arguments are required: B"),
        (("-", "-"), "only one of the two models can come from a pipe"),
        (("a.nasc", "b.nasc", "--batch", "0"), "--batch 0: expected sizes such as 1,2,3"),
        (("a.nasc", "b.nasc", "--seeds", "0"), "--seeds 0: expected 1 or more"),
    ],
)
def test_usage(nasc: Run, arguments: tuple[str, ...], said: str) -> None:
    done = nasc("verify", *arguments)
    assert done.code == 2
    assert done.err.splitlines()[-1] == f"nasc verify: error: {said}"


def test_a_batch_that_the_model_refuses(nasc: Run, tmp_path: Path) -> None:
    path = tmp_path / "three.py"
    path.write_text(
        "from torch import nn\n\ninput_shape = (3, 4)\n\n\n"
        "class Three(nn.Module):\n    def forward(self, x):\n"
        "        assert len(x) == 3, 'takes three'\n        return x + 1\n"
    )
    done = nasc("verify", str(path), str(path), "--batch", "2")
    assert done.code == 0
    assert "batch 3;" in done.out
