"""Blocks as sources of commands: recognised by their first line, in files, on standard input, stacked by settings."""

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasc.cli import main
from nasc.frontends import lower_source
from nasc.grammar import is_nader, parse_nader
from nasc.ir import NascError, digest

ROOT = Path(__file__).parents[2]
BLOCKS = (ROOT / "examples/blocks.txt").read_text(encoding="utf-8")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one command in an empty folder and return its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return command


@pytest.mark.parametrize("name", ["block.txt", "block.nasc"])
def test_a_file_is_recognised_by_its_first_line(run: Run, name: str) -> None:
    Path(name).write_text(BLOCKS, encoding="utf-8")
    code, out, err = run("check", name)
    assert (code, err) == (0, "")
    assert out.startswith("ok: 33 nodes in 4 graphs, 268,362 parameters, 36,094,592 multiply-accumulates")
    assert run("check", stdin=BLOCKS) == (code, out, err)
    assert run("check", stdin=BLOCKS.split("##ResNet_stem##")[0])[1].endswith(" a sample, with C, H, W = 1\n")


def test_errors_are_shown_in_the_text(run: Run) -> None:
    Path("block.txt").write_text(BLOCKS.replace("kernel_size=3,stride=2", "kernal_size=3,stride=2"), encoding="utf-8")
    code, out, err = run("check", "block.txt")
    assert (code, out) == (1, "")
    assert err == (
        "block.txt:34:3: error: Conv2d needs kernel_size\n"
        "  | 2:Conv2d(out_channels=dim,kernal_size=3,stride=2)\n  |   ^\n"
        "  help: expected Conv2d(out_channels, kernel_size, stride=1, dilation=1, groups=1)\n"
        "block.txt:34:27: error: Conv2d has no attribute 'kernal_size'\n"
        "  | 2:Conv2d(out_channels=dim,kernal_size=3,stride=2)\n  |                           ^\n"
        "  help: did you mean 'kernel_size'?\n2 errors\n"
    )


def test_files_are_joined_and_stacked_by_settings(tmp_path: Path) -> None:
    sections = BLOCKS.split("##ResNet")
    names = ["base.txt", "stem.txt", "down.txt"]
    for name, text in zip(names, sections[1:], strict=True):
        (tmp_path / name).write_text("##ResNet" + text.split("##skeleton##")[0], encoding="utf-8")
    files = "+".join(str(tmp_path / name) for name in reversed(names))
    stacked = lower_source(f"nader:{files}(widths=[16, 32, 64], depths=(2, 2, 2), classes=10)").module
    assert digest(stacked) == digest(lower_source(str(ROOT / "examples/blocks.txt")).module)
    larger = lower_source(f"nader:{files}(widths=[8], depths=[1], classes=3)", ["1x4x9x11"]).module.main
    assert str(larger.inputs[0].type) == "f32[N,4,9,11]"
    assert str(larger.output_types[0]) == "f32[N,3]"


def test_one_block_at_one_size(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text(
        "##b##\n0:input\n1:output\n2:Conv2d(C*2,3,groups=C)\n3:Conv2d(C,1)\n0->2\n2->3\n3->1"
    )
    (tmp_path / "stem.txt").write_text("##b_stem##\n0:input\n1:output\n2:Conv2d(dim,3,2)\n0->2\n2->1")
    base = lower_source(str(tmp_path / "base.txt"), ["2x8x5x7"]).module.main
    assert [str(node.type) for node in base.nodes] == ["f32[N,16,5,7]", "f32[N,8,5,7]"]
    stem = lower_source(f"nader:{tmp_path / 'stem.txt'}(dim=24)", ["2x8x5x7"]).module.main
    assert (str(stem.output_types[0]), stem.symbols) == ("f32[N,24,2,3]", ())


@pytest.mark.parametrize(
    ("source", "inputs", "told"),
    [
        ("nader:no.txt", [], "there is no file no.txt"),
        ("nader:block.txt(widhts=[8])", [], "the skeleton has no 'widhts'"),
        ("nader:block.txt([8])", [], "the settings of a skeleton have names"),
        ("nader:block.txt(widths=open('x'))", [], "\"open('x')\" is not a literal"),
        ("nader:block.txt(dim=8)", [], "dim=8 fits no block here"),
        ("block.txt", ["1x3"], "blocks take one input of rank 4"),
        ("block.txt", ["1x3x64x64"], "this network takes f32[N,3,32,32], not f32[1,3,64,64]"),
        ("nader:block.txt(widths=[8, 16, 32, 64], depths=[1, 1, 1, 1], classes=2)", ["1x3x4x4"], "are too small"),
    ],
)
def test_what_is_wrong_with_a_source(run: Run, source: str, inputs: list[str], told: str) -> None:
    Path("block.txt").write_text(BLOCKS, encoding="utf-8")
    with pytest.raises(NascError) as caught:
        lower_source(source, inputs)
    assert told in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].hint


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damaged_text_ends_in_diagnostics(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(BLOCKS) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(BLOCKS))))
    put = data.draw(
        st.one_of(st.text(max_size=12), st.sampled_from(["(" * 300, "9" * 40, "C//" * 90 + "C", "##a##", "->"]))
    )
    with suppress(NascError):
        parse_nader(BLOCKS[:start] + put + BLOCKS[end:])


@pytest.mark.parametrize("text", ["##a##", "\ufeff # hi\n\n  ##a b## # c\n0:input"])
def test_starts_with_a_name(text: str) -> None:
    assert is_nader(text)


@pytest.mark.parametrize("text", ["nasc 1\n##a##", "# heading\n## sub\n", "#", ""])
def test_is_something_else(text: str) -> None:
    assert not is_nader(text)
