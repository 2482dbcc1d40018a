"""Every command on text: what it prints, where it prints it, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasc.cli.arguments import COMMANDS
from nasc.cli.score import _draw
from nasc.grammar import parse

Run = Callable[..., Any]


def test_without_a_command_shows_help_and_says_usage(nasc: Run) -> None:
    done = nasc()
    assert done.code == 2
    assert all(name in done.out for name in COMMANDS)


@pytest.mark.parametrize("arguments", [("frobnicate",), ("check", "--nope"), ("opt", "a.nasc"), ("emit", "--to", "c")])
def test_wrong_usage_exits_with_2(nasc: Run, arguments: tuple[str, ...]) -> None:
    done = nasc(*arguments)
    assert done.code == 2
    assert "usage: nasc" in done.err
    assert not done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(nasc: Run, name: str) -> None:
    done = nasc(name, "--help")
    assert done.code == 0
    assert f"\n  nasc {name}" in done.out or f"| nasc {name}" in done.out


def test_lower_fills_in_types(nasc: Run, block: str) -> None:
    done = nasc("lower", stdin=block)
    assert done.code == 0
    assert "%layer2 = call @basic_block %layer1 {C=16, S=1} : f32[N,16,32,32] #layer2" in done.out


def test_check_says_how_large_it_is(nasc: Run, block: str) -> None:
    done = nasc("check", stdin=block)
    assert done.code == 0
    assert done.out.startswith("ok: 16 nodes in 2 graphs, 9,978 parameters, ")
    assert not done.err


def test_check_as_json_has_the_same_figures(nasc: Run, block: str) -> None:
    figures = json.loads(nasc("check", "--format", "json", stdin=block).out)
    assert figures["diagnostics"] == []
    assert figures["nodes"] == 16
    assert f"{figures['params']:,} parameters" in nasc("check", stdin=block).out


def test_check_reports_all_errors_where_they_are(nasc: Run, block: str) -> None:
    wrong = block.replace("out_features=10", "out_featurs=10").replace(
        "kernel_size=3, padding=1, bias=false} #conv2", "kernel_size=0} #conv2"
    )
    done = nasc("check", stdin=wrong)
    assert done.code == 1
    assert "did you mean 'out_features'?" in done.err
    assert "attribute 'kernel_size' cannot be 0" in done.err
    assert not done.out


def test_check_as_sarif_points_at_the_line(nasc: Run, block: str) -> None:
    done = nasc("check", "--format", "sarif", stdin=block.replace("= relu %bn ", "= relu %bm "))
    assert done.code == 1
    (result,) = json.loads(done.out)["runs"][0]["results"]
    assert "%bm is not defined" in result["message"]["text"]


def test_limits_are_errors(nasc: Run, block: str) -> None:
    done = nasc("check", "--max-params", "1k", "--max-macs", "1k", stdin=block)
    assert done.code == 1
    assert done.err.count("error:") == 2


def test_opt_runs_passes_in_order(nasc: Run, block: str) -> None:
    done = nasc("opt", "-p", "inline,canonicalize", "--verify", stdin=block)
    assert done.code == 0
    assert len(parse(done.out).graphs) == 1


def test_opt_names_the_nearest_pass(nasc: Run, block: str) -> None:
    done = nasc("opt", "-p", "inlin", stdin=block)
    assert done.code == 1
    assert "did you mean 'inline'?" in done.err


@pytest.mark.parametrize(("target", "start"), [("torch", ""), ("json", "{"), ("dot", "digraph"), ("nasc", "nasc 1")])
def test_emit_writes_every_target(nasc: Run, block: str, target: str, start: str, tmp_path: Path) -> None:
    done = nasc("emit", "--to", target, stdin=block)
    assert done.code == 0
    assert done.out.startswith(start)
    path = tmp_path / "out"
    assert nasc("emit", "--to", target, "-o", str(path), stdin=block).out == ""
    assert path.read_text(encoding="utf-8") == done.out
    assert list(tmp_path.iterdir()) == [path]


def test_json_comes_back_through_a_pipe(nasc: Run, block: str) -> None:
    text = nasc("emit", "--to", "json", stdin=block).out
    assert nasc("lower", stdin=text).out == nasc("lower", stdin=block).out


def test_relevance_annotates_the_ir_and_draws_a_table(nasc: Run, block: str) -> None:
    noted = nasc("relevance", stdin=block)
    assert noted.code == 0
    assert "@{relevance=" in noted.out
    table = nasc("relevance", "--format", "table", stdin=block)
    assert "stem" in table.out
    assert "conv2d" in table.out
    rows = json.loads(nasc("relevance", "--format", "json", stdin=block).out)
    assert max(abs(row["relevance"]) for row in rows) == 1


@pytest.mark.parametrize("command", [("relevance",), ("rewrite", "--llm", "random", "--max-iterations", "1")])
def test_a_model_like_no_other_is_doubted(nasc: Run, block: str, command: tuple[str, ...]) -> None:
    mlp = "nasc 1\n\ngraph @main(%x: f32[N,4]) -> f32[N,2] {\n  %fc = linear %x {out_features=2} #fc\n  return %fc\n}\n"
    note = "note: the predictor was trained on nothing like this model; take its scores as guesses\n"
    assert nasc(*command, stdin=mlp).err.startswith(note)
    assert note not in nasc(*command, stdin=block).err


def test_score_ranks_models(nasc: Run, block: str, tmp_path: Path) -> None:
    (tmp_path / "a.nasc").write_text(block, encoding="utf-8")
    (tmp_path / "b.nasc").write_text(block.replace("=16", "=32").replace("N,16", "N,32"), encoding="utf-8")
    rows = json.loads(nasc("score", str(tmp_path / "a.nasc"), str(tmp_path / "b.nasc"), "--format", "json").out)
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["score"] >= rows[1]["score"]
    assert {row["model"][-6:] for row in rows} == {"a.nasc", "b.nasc"}


def test_rewrite_emits_a_model_and_says_what_it_did(nasc: Run, block: str) -> None:
    done = nasc("rewrite", "--max-iterations", "2", "--no-cache", stdin=block)
    assert done.code == 0
    compile(done.out, "better.py", "exec")
    assert "def build_model()" in done.out
    assert "predicted score" in done.err


def test_annotate_writes_relevance_behind_the_lines_of_a_file_anywhere(nasc: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    source = (Path(__file__).parents[2] / "examples/resnet_cifar.py").read_text(encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    done = nasc("relevance", "--annotate", str(path))
    assert done.code == 0, done.err
    noted = path.read_text(encoding="utf-8")
    assert [line.partition("  # relevance")[0] for line in noted.splitlines()] == source.splitlines()
    assert noted.count("# relevance") >= 4


def test_a_narrow_terminal_cuts_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    row = {"rank": 1, "score": -1.6791, "std": 0.6641, "in_domain": 1.0, "params": 272_474, "macs": 40_813_184}
    _draw([{**row, "model": "folder[/b]/resnet.py"}])
    shown = capsys.readouterr().out
    assert all(number in shown for number in ("-1.6791", "± 0.6641", "272,474", "40,813,184"))
    assert shown.replace(" ", "").replace("\n", "").endswith("folder[/b]/resnet.py")
