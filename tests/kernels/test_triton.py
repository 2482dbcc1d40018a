"""The Triton programs: right in the interpreter, and compiled ahead of time for two GPUs."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

triton = pytest.importorskip("triton", reason="Triton is not installed (the extra `triton`)")

CASES = ("fp32", "fp32, odd sizes", "no edges", "fewer rows", "stacked", "bf16")
SPLIT = tuple(f"split, {name}" for name in ("fp32, odd sizes", "no edges", "fewer rows", "bf16"))
SHARED = {80: 163 << 10, 90: 227 << 10}
PROGRAMS = ("layer_forward", "hidden_backward", "states_backward", "received_forward", "received_backward")
STATES = ("own_start", "own", "source_start", "source", "reader_start", "reader")


@pytest.fixture(scope="module")
def errors() -> dict[str, float]:
    """Largest relative error of outputs and gradients against float64, by case; Triton reads the variable at import."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "nasc.tests.kernels.interpreted"],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES + SPLIT)
def test_programs_agree_with_float64(case: str, errors: dict[str, float]) -> None:
    assert errors[case] < (0.1 if case.endswith("bf16") else 1e-5)


def compiled(name: str, capability: int, type: str, width: int) -> Any:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from nasc.predictor.kernels import fused, programs, split

    program = getattr(programs, name)
    sizes: dict[str, Any] = split.blocks(width) if name.startswith("received") else fused.blocks(width, fused.ROWS)
    sizes |= {"KEEP": False, "ADD": True, "NORMAL": True}
    options = {name: sizes.pop(name) for name in ("num_stages", "num_warps")}
    constants = {key: value for key, value in sizes.items() if key in program.arg_names}
    signature = {
        key: "constexpr"
        if key in constants
        else "i32"
        if key in ("count", "width", "hidden")
        else "fp32"
        if key == "norm_eps"
        else "*i64"
        if key in STATES
        else f"*{type}"
        for key in program.arg_names
    }
    source = ASTSource(program, signature, constants)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter is on: nothing is compiled")
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(("capability", "type", "width"), [(80, "fp32", 16), (90, "bf16", 32)])
def test_programs_compile_for_gpus(name: str, capability: int, type: str, width: int) -> None:
    made = compiled(name, capability, type, width)
    assert f"sm_{capability}" in made.asm["ptx"]
    assert made.asm["cubin"].startswith(b"\x7fELF")
    assert ("mma" in made.asm["ptx"]) == (not name.startswith("received"))
    assert made.metadata.shared <= SHARED[capability]
