"""The examples of docs/embedding.md and examples/annotate_*.py run as they stand."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_document_runs(tmp_path: Path) -> None:
    pytest.importorskip("onnx_ir")
    blocks = CODE.findall((ROOT / "docs/embedding.md").read_text(encoding="utf-8"))
    assert len(blocks) == 5
    script = tmp_path / "embedding.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    runpy.run_path(str(script))


@pytest.mark.parametrize(
    ("name", "told"),
    [("annotate_fx", "_1_0     {'params': 584, 'macs': 36864, 'activation_bytes': 2048}       ('block', '1')"),
     ("annotate_onnx", "local functions: block")],
)  # fmt: skip
def test_an_example_runs(
    name: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx_ir")
    monkeypatch.setattr("sys.argv", [name])
    runpy.run_path(str(ROOT / f"examples/{name}.py"))
    assert told in capsys.readouterr().out
