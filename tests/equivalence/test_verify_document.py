"""docs/verify.md: its Python runs, and its table of tolerances is that of the code."""

import re
import runpy
from pathlib import Path

import pytest
import torch

from nasc.equivalence.tolerance import GRADIENTS, LIMITS, error, limit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")
NAMES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    path = tmp_path / "example.py"
    path.write_text(code)
    runpy.run_path(str(path))
    assert capsys.readouterr().out.startswith("tested: equal\n  A          Sequential  run as the nn.Module itself")


def test_the_tolerances_are_documented() -> None:
    rows = re.findall(r"^\| (\w+) \| (\S+) \| (\S+) \|$", DOCUMENT, re.MULTILINE)
    assert {NAMES[name]: (float(a), float(b)) for name, a, b in rows} == {
        dtype: (LIMITS[dtype], GRADIENTS[dtype]) for dtype in LIMITS
    }


def test_errors_are_relative_and_see_what_is_no_number() -> None:
    nan, inf = float("nan"), float("inf")
    a = torch.tensor([1.0, -4.0, nan, inf])
    assert error(a, torch.tensor([1.0, -3.0, nan, inf])) == 0.25
    assert error(a, torch.tensor([1.0, -4.0, 0.0, inf])) == inf
    assert error(a, torch.tensor([1.0, -4.0, nan, -inf])) == inf
    assert error(torch.zeros(2), torch.full((2,), 1e-9)) == pytest.approx(1e-3)
    assert error(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 5])) == 0.25
    assert error(torch.zeros(2), torch.zeros(3)) == inf
    assert limit(torch.int64) == 0
    assert limit(torch.float32, gradient=True, given=0.5) == 5
