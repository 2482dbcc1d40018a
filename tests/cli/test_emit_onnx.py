"""`nasc emit --to onnx`: files, pipes and terminals."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx

Run = Callable[..., Any]
SMALL = "nasc 1\n\ngraph @main(%x: f32[N,4]) -> f32[N,2] {\n  %y = linear %x {out_features=2} #y\n  return %y\n}\n"
FRESH = "the IR carries no weights: fresh ones are drawn under seed 0; --weights FILE gives others\n"


def test_a_file_is_written_with_fresh_weights_and_says_so(nasc: Run, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    done = nasc("emit", "--to", "onnx", "-o", str(path), "--opset", "18", stdin=SMALL)
    assert (done.code, done.out, done.err) == (0, "", FRESH)
    onnx.checker.check_model(path, full_check=True)
    assert onnx.load(path).opset_import[0].version == 18


def test_given_weights_reach_the_file(nasc: Run, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"y.weight": torch.ones(2, 4), "y.bias": torch.zeros(2)}, tmp_path / "w.safetensors")
    path, weights = tmp_path / "small.onnx", str(tmp_path / "w.safetensors")
    done = nasc("emit", "--to", "onnx", "-o", str(path), "--weights", weights, stdin=SMALL)
    assert (done.code, done.err) == (0, "")
    tensors = {t.name: onnx.numpy_helper.to_array(t).tolist() for t in onnx.load(path).graph.initializer}
    assert tensors == {"y.weight": [[1.0] * 4] * 2, "y.bias": [0.0, 0.0]}


def test_a_pipe_takes_the_binary_and_a_terminal_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nasc", "emit", "--to", "onnx"]
    piped = subprocess.run(command, input=SMALL.encode(), capture_output=True, check=True)
    onnx.checker.check_model(onnx.load_from_string(piped.stdout), full_check=True)
    ours, theirs = os.openpty()
    shown = subprocess.run(command, input=SMALL.encode(), stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(ours)
    os.close(theirs)
    assert shown.returncode == 2
    told = "an ONNX model is binary: name a file with -o FILE, or pipe it into one"
    assert shown.stderr.decode().splitlines()[-1] == f"nasc emit: error: {told}"


def test_options_of_onnx_alone(nasc: Run) -> None:
    done = nasc("emit", "--to", "torch", "--functions", stdin=SMALL)
    assert done.code == 2
    assert done.err.splitlines()[-1] == "nasc emit: error: --functions goes with --to onnx, not --to torch"
