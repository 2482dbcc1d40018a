"""What people read when their input is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_missing_file_names_its_neighbours(nasc: Run, tmp_path: Path, block: str) -> None:
    (tmp_path / "model.nasc").write_text(block, encoding="utf-8")
    done = nasc("check", str(tmp_path / "modle.nasc"))
    assert done.code == 1
    assert "there is no file" in done.err
    assert "did you mean" in done.err
    assert "model.nasc" in done.err


def test_empty_pipe_points_at_the_command_before(nasc: Run) -> None:
    done = nasc("relevance", stdin="")
    assert done.code == 1
    assert "empty" in done.err
    assert not done.out


def test_pipes_that_hold_no_text_or_are_closed(shell: Run) -> None:
    done = shell(r"printf '\377\376' | PYTHONIOENCODING=utf-8:strict nasc check")
    assert (done.code, done.out, done.err) == (
        1,
        "",
        "error: <stdin> is not UTF-8 text: invalid start byte\n"
        "  help: expected the IR as text or JSON; name a file of another kind instead of piping it\n",
    )
    done = shell("nasc check <&-")
    assert (done.code, done.err.splitlines()[0]) == (1, "error: no model was given")
    assert shell("nasc check examples/block.nasc >&-").code == 0


def test_results_are_utf8_whatever_the_locale_says(shell: Run) -> None:
    line = """sed '1s/.*/nasc 1 @{source="\u00e4"}/' examples/block.nasc | PYTHONIOENCODING=latin-1 nasc opt -p infer"""
    done = shell(line)
    assert (done.code, done.out.splitlines()[0]) == (0, 'nasc 1 @{source="\u00e4"}')


def test_two_pipes_are_two_sources(shell: Run) -> None:
    done = shell("nasc diff <(cat examples/block.nasc) <(cat examples/block.nasc)")
    assert (done.code, done.err) == (0, "")


def test_truncated_pipe_is_located(nasc: Run, block: str) -> None:
    done = nasc("check", stdin=block[: len(block) // 2])
    assert done.code == 1
    assert done.err.startswith("<stdin>:")
    assert not done.out


def test_cycle_is_named(nasc: Run) -> None:
    text = "nasc 1\n\ngraph @main(%x: f32[1,4]) -> f32[1,4] {\n  %a = add %x, %b\n  %b = relu %a\n"
    text += "  return %b\n}\n"
    done = nasc("check", stdin=text)
    assert done.code == 1
    assert "%b is used before it is defined" in done.err
    assert "cycle" in done.err


def test_shape_clash_names_both_shapes(nasc: Run) -> None:
    text = "nasc 1\n\ngraph @main(%x: f32[1,4], %y: f32[1,5]) -> f32[1,4] {\n  %a = add %x, %y\n  return %a\n}\n"
    done = nasc("check", stdin=text)
    assert done.code == 1
    assert "[1,4] and [1,5] do not broadcast" in done.err


def test_not_json_is_said_kindly(nasc: Run) -> None:
    done = nasc("check", stdin='{"graphs": [')
    assert done.code == 1
    assert "<stdin>:1:13: error: this is no JSON" in done.err


@pytest.mark.parametrize("command", ["lower", "relevance", "rewrite", "emit", "spectra"])
def test_output_folder_that_is_missing_is_said_before_the_work(nasc: Run, command: str, tmp_path: Path) -> None:
    place = tmp_path / "no" / "out"
    done = nasc(command, "-o", str(place), stdin="no network")
    assert done.code == 1
    assert done.err == (
        f"error: {place}: cannot be written: there is no such folder\n  help: name a file in a folder that exists\n"
    )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("rewrite", "--tries", "0"), "--tries: '0' is no whole number above 0"),
        (("rewrite", "--max-iterations", "-3"), "--max-iterations: '-3' is no whole number above 0"),
        (("rewrite", "--budget-tokens", "-5"), "--budget-tokens: '-5' is no whole number above 0"),
        (("rewrite", "--timeout", "nan"), "--timeout: 'nan' is no number of seconds above 0"),
        (("rewrite", "--threshold", "nan"), "--threshold: 'nan' is no number"),
        (("rewrite", "--seed", "-1"), "--seed: '-1' is no whole number from 0 on"),
        (("search", "s", "--seed", "x"), "--seed: 'x' is no whole number from 0 on"),
        (("report", "s", "--relevance", "-1"), "--relevance: '-1' is no whole number from 0 on"),
        (("ideas", "read", "papers", "--timeout", "-1"), "--timeout: '-1' is no number of seconds above 0"),
    ],
)
def test_numbers_that_make_no_sense_are_said_before_the_work(nasc: Run, options: tuple[str, ...], error: str) -> None:
    done = nasc(*options)
    assert done.code == 2
    assert done.err.endswith(f"error: argument {error}\n")


def test_a_command_that_is_none_names_the_nearest(nasc: Run) -> None:
    done = nasc("chekc", "a.nasc")
    assert done.code == 2
    assert done.err.endswith("nasc: error: there is no command 'chekc': did you mean 'check'?\n")


def test_a_source_to_annotate_that_is_not_there(nasc: Run, block: str, tmp_path: Path) -> None:
    for name, reason in (("none.py", "No such file or directory"), ("binary.py", "it is no text in UTF-8")):
        (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
        done = nasc("relevance", "--annotate", str(tmp_path / name), "-", stdin=block)
        assert done.err == (
            f"error: {tmp_path / name}: cannot be read: {reason}\n  help: name the .py file that holds the model\n"
        )


def test_model_that_prints_keeps_the_pipe_clean(shell: Run, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import torch\nprint('hello')\ninput_shape = (1, 4)\n\n\nclass Net(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.fc = torch.nn.Linear(4, 2)\n\n"
        "    def forward(self, x):\n        print('forward')\n        return self.fc(x)\n",
        encoding="utf-8",
    )
    done = shell("nasc lower loud.py | nasc check", tmp_path)
    assert done.code == 0, done.err
    assert "hello" in done.err
    assert done.out.startswith("ok: 1 node in 1 graph, ")


def test_a_failed_command_leaves_the_next_a_clear_error(shell: Run, tmp_path: Path) -> None:
    done = shell("nasc lower nothere.py | nasc relevance", tmp_path)
    assert done.code == 1
    assert "nothere.py" in done.err
    assert "empty" in done.err


def test_a_closed_pipe_is_no_error_message(shell: Run) -> None:
    done = shell("nasc lower examples/block.nasc | true")
    assert "Traceback" not in done.err
    assert "BrokenPipe" not in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said(shell: Run) -> None:
    done = shell("nasc check examples/block.nasc --format json > /dev/full; echo code $? >&2")
    assert done.err == (
        "error: the output cannot be written: No space left on device\n"
        "  help: free some space, or write elsewhere with -o FILE\ncode 1\n"
    )


def test_a_bug_exits_with_3(nasc: Run, monkeypatch: Any) -> None:
    monkeypatch.setattr("nasc.frontends.lower_source", lambda *_: 1 / 0)
    monkeypatch.delenv("NASC_DEBUG", raising=False)
    done = nasc("check", stdin="x")
    assert done.code == 3
    assert "this is a bug of nasc: ZeroDivisionError" in done.err
