"""`nasc ideas`: ideas for architectures, read from papers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..ir import counted
from .arguments import Help, natural, positive, seconds
from .output import need_place, say

if TYPE_CHECKING:
    from ..search.ideas.papers import Paper

EXAMPLE = """\
examples:
  nasc ideas read papers/ -o ideas.jsonl --llm openai:MODEL
  nasc search STUDY --method 'nader{ideas="ideas.jsonl"}' --start model.py --evaluator predictor --llm openai:MODEL
"""


def add(command: argparse.ArgumentParser) -> None:
    """Declare the command."""
    command.epilog = EXAMPLE
    commands = command.add_subparsers(metavar="COMMAND", required=True)
    read = commands.add_parser(
        "read",
        help="add the ideas of papers to a file of ideas",
        description="Read papers (PDF, text, Markdown) with an LLM and add their ideas to a file of JSON lines.",
        formatter_class=Help,
        epilog=EXAMPLE,
    )
    read.add_argument("papers", metavar="PAPERS", type=Path, help="a paper, or a folder of them")
    read.add_argument("-o", "--output", type=Path, default=Path("ideas.jsonl"), help="the file; default: ideas.jsonl")
    read.add_argument(
        "--llm",
        metavar="LLM",
        default="local",
        help="local (the default, a very small one), openai:MODEL, a URL or random",
    )
    read.add_argument(
        "--embedder",
        metavar="E",
        default="auto",
        help="who tells what is alike: auto, local, hashed, openai:MODEL or a URL",
    )
    read.add_argument("--passages", type=positive, default=8, metavar="N", help="passages a paper at most; default: 8")
    read.add_argument("--defaults", action="store_true", help="begin with the ideas that are shipped")
    read.add_argument("--seed", type=natural, default=0, metavar="N", help="seed of the LLM's choices; default: 0")
    read.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="seconds for an answer; default: 60")
    read.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the papers, and write the ideas that were there with the new ones."""
    from ..ir.files import user_cache_dir
    from ..search.ideas import default_ideas, open_embedder, read_ideas, write_ideas
    from ..search.ideas.reading import Reader
    from ..search.llm import open_client

    need_place(arguments.output)
    papers = _papers(arguments.papers)
    base = read_ideas(arguments.output) if arguments.output.exists() else default_ideas() if arguments.defaults else ()
    client = open_client(arguments.llm, cache_dir=user_cache_dir() / "answers", timeout=arguments.timeout, on_event=say)
    embedder = open_embedder(arguments.embedder)
    reader = Reader(client, embedder, passages=arguments.passages, seed=arguments.seed, on_event=say)
    ideas = reader.read(papers, base)
    write_ideas(arguments.output, ideas)
    say(f"{arguments.output}: {counted(len(ideas), 'idea')}, {len(ideas) - len(base)} of them new")
    return 0


def _papers(path: Path) -> list[Paper]:
    """Return the papers at a path; in a folder those that cannot be read are named and left out. Raises NascError."""
    from ..ir import NascError
    from ..search.ideas.papers import find_papers, read_paper

    found: list[Paper] = []
    files = find_papers(path)
    for file in files:
        try:
            found.append(read_paper(file))
        except NascError as error:
            if len(files) == 1:
                raise
            say(f"left out: {error.diagnostics[0].message}; {error.diagnostics[0].hint}")
    if not found:
        raise NascError.of(f"no paper in {path} can be read", "give PDF with text, plain text or Markdown", "papers")
    return found
