"""`nasc diff`: forms of the script, exit codes, and git."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.dom.minidom import parseString

import pytest

Run = Callable[..., Any]


@pytest.fixture
def two(block: str, tmp_path: Path) -> tuple[str, str]:
    """Two files: the network of the examples, and one with two edits, one of them in a block that is called twice."""
    before, after = tmp_path / "before.nasc", tmp_path / "after.nasc"
    before.write_text(block, encoding="utf-8")
    after.write_text(edit(block), encoding="utf-8")
    return str(before), str(after)


def edit(block: str) -> str:
    """Return the text with another kernel in the stem and another nonlinearity in the block."""
    stem = block.replace(
        "%image {out_channels=16, kernel_size=3, padding=1,", "%image {out_channels=16, kernel_size=5, padding=2,"
    )
    return stem.replace("%relu1 = relu ", "%relu1 = gelu ")


def test_equal_networks_exit_with_0(nasc: Run, two: tuple[str, str]) -> None:
    done = nasc("diff", two[0], two[0])
    assert (done.code, done.err) == (0, "")
    assert "the same network" in done.out


def test_other_names_and_layout_are_equal(nasc: Run, two: tuple[str, str], block: str) -> None:
    done = nasc("diff", two[0], "-", stdin=block.replace("%stem", "%first").replace("graph @main", "\n\ngraph @main"))
    assert done.code == 0
    assert "the same network" in done.out


def test_differing_networks_exit_with_1(nasc: Run, two: tuple[str, str]) -> None:
    done = nasc("diff", *two)
    assert (done.code, done.err) == (1, "")
    assert "  ~ stem  conv2d kernel_size 3 -> 5, padding 1 -> 2\n" in done.out
    assert "layer[1-2]" in done.out
    assert "x2" in done.out
    assert "op relu -> gelu" in done.out
    assert "3 edits: 3 changed" in done.out
    assert "params 9,978 -> 10,746 (+768, +7.7%)" in done.out
    assert "\033" not in done.out


def test_broken_input_exits_with_1_and_prints_nothing(nasc: Run, two: tuple[str, str], block: str) -> None:
    done = nasc("diff", two[0], "-", stdin=block.replace("= relu %bn ", "= relu %bm "))
    assert (done.code, done.out) == (1, "")
    assert "%bm is not defined" in done.err
    done = nasc("diff", two[0], "-", "--format", "json", stdin=block.replace("= relu %bn ", "= relu %bm "))
    assert done.code == 1
    assert set(json.loads(done.out)) == {"diagnostics"}


@pytest.mark.parametrize("sources", [(), ("a.nasc",), ("a.nasc", "b.nasc", "c.nasc"), ("-", "-")])
def test_anything_but_two_models_is_usage(nasc: Run, sources: tuple[str, ...]) -> None:
    done = nasc("diff", *sources)
    assert done.code == 2
    assert "usage: nasc diff" in done.err


def test_json_tells_it_all(nasc: Run, two: tuple[str, str]) -> None:
    done = nasc("diff", *two, "--format", "json")
    assert done.code == 1
    data = json.loads(done.out)
    assert data["equal"] is False
    assert [entry["kind"] for entry in data["entries"]] == ["changed"] * 3
    assert data["entries"][0]["changes"]["kernel_size"] == {"before": "3", "after": "5"}
    assert data["params"]["after"] - data["params"]["before"] == sum(entry["params"] for entry in data["entries"])
    assert json.loads(nasc("diff", two[0], two[0], "--format", "json").out)["equal"] is True


@pytest.mark.parametrize("form", ["svg", "html"])
def test_pictures_stand_alone(nasc: Run, two: tuple[str, str], form: str, tmp_path: Path) -> None:
    path = tmp_path / f"diff.{form}"
    done = nasc("diff", *two, "--format", form, "-o", str(path))
    assert (done.code, done.out) == (1, "")
    text = path.read_text(encoding="utf-8")
    drawing = text[text.index("<svg") : text.index("</svg>") + 6]
    assert parseString(drawing).getElementsByTagName("rect")
    assert text.startswith("<!doctype html>" if form == "html" else "<svg")
    assert "src=" not in text
    assert "href=" not in text


def test_the_score_changes_too(nasc: Run, two: tuple[str, str]) -> None:
    done = nasc("diff", *two, "--score", "--format", "json")
    score = json.loads(done.out)["score"]
    assert score["before"] != score["after"]


class Git:
    """A real repository, with nothing of the user's configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        person = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            **person,
            "GIT_COMMITTER_EMAIL": "a@b",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "PATH": path,
        }

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def git(nasc: Run, block: str, tmp_path: Path) -> Git:
    """A repository that is set up as `nasc diff --git-config` says, with two commits of a network."""
    repository = tmp_path / "repository"
    repository.mkdir()
    run = Git(repository)
    run("init", "-q")
    config = nasc("diff", "--git-config")
    assert config.code == 0
    with (repository / ".git/config").open("a", encoding="utf-8") as file:
        file.write(config.out)
    attributes = [line.lstrip("# ") for line in config.out.splitlines() if line.endswith(" diff=nasc")]
    assert {line.split()[0] for line in attributes} == {"*.nasc", "*.onnx"}
    (repository / ".gitattributes").write_text("\n".join(attributes) + "\n", encoding="utf-8")
    for text in (block, edit(block)):
        (repository / "net.nasc").write_text(text, encoding="utf-8")
        run("add", ".")
        run("commit", "-q", "-m", "a network")
    return run


def test_git_shows_semantic_diffs(git: Git, block: str) -> None:
    (git.folder / "net.nasc").write_text(block, encoding="utf-8")
    shown = git("diff")
    assert "--- a/net.nasc" in shown
    assert "kernel_size 5 -> 3, padding 2 -> 1" in shown
    assert "op gelu -> relu" in shown
    assert git("diff", "HEAD~1") == ""
    logged = git("log", "-p", "--ext-diff")
    assert "kernel_size 3 -> 5, padding 1 -> 2" in logged
    assert "new network: 9,978 params" in logged


def test_git_log_compares_the_canonical_form_by_itself(git: Git) -> None:
    logged = git("log", "-p", "-1", "--", "net.nasc")
    changed = [line for line in logged.splitlines() if line.startswith(("+ ", "- "))]
    assert len(changed) == 2 * 3
    assert any(line.startswith("+") and "kernel_size=5, padding=2" in line for line in changed)
    assert not any("f32[" in line for line in changed)


def test_git_sees_no_change_in_a_comment(git: Git, block: str) -> None:
    (git.folder / "net.nasc").write_text(edit(block).replace("// A small", "// A very small"), encoding="utf-8")
    assert "the same network" in git("diff")
    git("commit", "-q", "-a", "-m", "comment")
    assert "@@" not in git("log", "-p", "-1")


def test_git_goes_on_after_a_broken_file(git: Git) -> None:
    (git.folder / "net.nasc").write_text("graph @main( {", encoding="utf-8")
    (git.folder / "other.txt").write_text("x\n", encoding="utf-8")
    git("add", "-N", "other.txt")
    shown = git("diff")
    assert "error" in shown
    assert "+x" in shown


def test_git_follows_renames_and_deletions(git: Git) -> None:
    git("mv", "net.nasc", "again.nasc")
    shown = git("diff", "--cached", "-M1%", "HEAD~1")
    assert shown.startswith("--- a/net.nasc\n+++ b/again.nasc\n")
    assert "3 edits: 3 changed" in shown
    git("commit", "-q", "-m", "rename")
    git("rm", "-q", "again.nasc")
    assert "deleted network" in git("diff", "--cached")


def test_git_compares_onnx_files(git: Git) -> None:
    onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    helper = onnx.helper
    for op in ("Relu", "Sigmoid"):
        x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 4]) for name in "xy")
        graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], name="gate")], "main", [x], [y])
        opset = helper.make_opsetid("", 17)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), git.folder / "net.onnx")
        git("add", "net.onnx")
        git("commit", "-q", "-m", op)
    assert "op relu -> sigmoid" in git("diff", "HEAD~1")
