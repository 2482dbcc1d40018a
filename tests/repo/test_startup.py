"""Commands that read text only load no framework, so that they start at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "onnx", "tensorflow", "numpy", "networkx", "transformers", "openai")
TEXT = """\
nasc 1

graph @main(%x: f32[N,3,8,8]) -> f32[N,3,8,8] {
  %y = relu %x
  return %y
}
"""
# Runs the command as the console script does, then says on the last line of stdout what it loaded.
PROBE = """\
import sys
from nasc.cli import main
code = 0
try:
    code = main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print()
print(code or 0, *sorted(name for name in sys.modules if "." not in name))
"""


def probe(folder: Path, *arguments: str) -> tuple[str, str, set[str]]:
    """Return the output of a command, its exit code and the top-level modules that it loaded."""
    command = [sys.executable, "-c", PROBE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    output, _, last = done.stdout.rstrip("\n").rpartition("\n")
    code, *modules = last.split()
    return output, code, set(modules)


@pytest.mark.parametrize("arguments", [("--help",), ("check", "a.nasc"), ("diff", "a.nasc", "a.nasc")])
def test_loads_no_framework(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.nasc").write_text(TEXT, encoding="utf-8")
    overview, _, _ = probe(tmp_path, "--help")
    if arguments[0] not in ("--help", *overview.split()):
        pytest.skip(f"there is no command `{arguments[0]}` yet")
    _, code, modules = probe(tmp_path, *arguments)
    assert "nasc" in modules
    assert modules.intersection(HEAVY) == set()
    assert code == "0"


def test_a_score_loads_torch_without_its_compiler(tmp_path: Path) -> None:
    """The compiler takes as long to import as the rest of torch, and a tensor drawn on the meta device imports it."""
    (tmp_path / "a.nasc").write_text(TEXT, encoding="utf-8")
    code = "import sys; from nasc.cli import main; assert main(['score', 'a.nasc']) == 0; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "torch" in loaded
    assert loaded.intersection({"torch._dynamo", "sympy", "scipy", "sklearn"}) == set()


def test_rooms_load_no_framework(project: dict[str, Any]) -> None:
    """Rooms and the packages right below them; what lies deeper is imported by a function that needs it."""
    packages = [name for name in project["tool"]["setuptools"]["packages"] if name.count(".") <= 2]
    code = f"import sys, {', '.join(packages)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.issuperset(packages)
    assert loaded.intersection(HEAVY) == set()


def test_the_package_loads_what_it_is_asked_for() -> None:
    """The root names everything that people embed, and loads nothing before they use it."""
    code = (
        "import sys, nasc; dir(nasc); print(*sys.modules); nasc.parse; print(*sys.modules); nasc.emit_torch, nasc.lower"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = (set(line.split()) for line in done.stdout.splitlines())
    assert {name for name in first if name.startswith("nasc")} == {"nasc"}
    assert "lark" in second
    assert second.intersection(HEAVY) == set()


def test_every_public_name_is_there() -> None:
    import nasc

    assert nasc.__all__ == sorted(nasc.__all__)
    assert set(nasc.__all__) <= set(dir(nasc))
    for name in nasc.__all__:
        assert getattr(nasc, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'lowr'"):
        nasc.lowr  # noqa: B018
