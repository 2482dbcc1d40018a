"""Reading papers into ideas: what NADER calls the Reader, and how FairNAD's tree of attributes is populated.

For each paper: is it about architectures (the LLM says yes or no to title and abstract)? Then passage by passage the
LLM writes ideas, each with its category; what it writes is repaired (one sentence, a category of the tree, the words of
edits that carry it out) and left out where the base says it already, in the same words or nearly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..lark_text import literal
from ..llm import BadAnswer, Client, Message, Prompt
from ..prompts import filled
from .embedding import Embedder, Vector, alike, nearest
from .idea import TREE, Idea
from .papers import Paper
from .words import words_of

_SHORTEST, _LONGEST = 4, 40
_CATEGORIES = {category: level for level, categories in TREE.items() for category in categories}


@dataclass(frozen=True)
class Reader:
    """Reads papers with an LLM.

    ``passages`` of ``length`` characters are read of each paper, of each at most ``most`` ideas are taken. Ideas whose
    embeddings have a cosine above ``same`` are one. ``on_event`` hears of every paper.
    """

    client: Client
    embedder: Embedder
    length: int = 1500
    passages: int = 8
    most: int = 3
    same: float = 0.9
    seed: int = 0
    on_event: Callable[[str], None] = field(default=lambda _: None)

    def read(self, papers: Sequence[Paper], base: Sequence[Idea] = ()) -> list[Idea]:
        """Return the base with the ideas of papers added. Raises LLMError."""
        known = dict(zip(base, self.embedder.embed([idea.text for idea in base]), strict=True)) if base else {}
        for paper in papers:
            if not self.relevant(paper):
                self.on_event(f"{paper.name}: not about architectures")
                continue
            before = len(known)
            for idea in self.ideas(paper):
                self.add(known, idea)
            new = len(known) - before
            self.on_event(f"{paper.name}: {new} idea{'s' * (new != 1)}")
        return list(known)

    def relevant(self, paper: Paper) -> bool:
        """Return whether the LLM finds that a paper can inspire an architecture."""
        question = filled("ideas/relevant", title=paper.title, abstract=paper.abstract[: self.length])
        return self.answer(question, 'start: "yes\\n" | "no\\n"\n', 4).strip().lower().startswith("yes")

    def ideas(self, paper: Paper) -> Iterator[Idea]:
        """Return the ideas that the LLM finds in a paper, repaired."""
        for number, passage in enumerate(paper.passages(self.length)):
            if number == self.passages:
                return
            question = filled("ideas/extract", passage=passage, categories=", ".join(_CATEGORIES), most=self.most)
            for line in self.answer(question, _grammar(self.most), 48 * self.most).splitlines():
                idea = repaired(line, paper.title, self.embedder)
                if idea is not None:
                    yield idea

    def add(self, known: dict[Idea, Vector], idea: Idea) -> None:
        """Add an idea, with its embedding, unless one of them says it."""
        if any(other.key == idea.key for other in known):
            return
        (vector,) = self.embedder.embed([idea.text])
        if all(alike(vector, other) < self.same for other in known.values()):
            known[idea] = vector

    def answer(self, question: str, grammar: str, tokens: int) -> str:
        """Return what the LLM says; nothing where it gives no answer."""
        prompt = Prompt((Message("user", question),), grammar, tokens, 0.3, self.seed)
        try:
            return self.client.complete(prompt).text
        except BadAnswer:
            return ""


def repaired(line: str, source: str, embedder: Embedder) -> Idea | None:
    """Return the idea of a line ``category: sentence``; None where it says too little, or too much for one idea.

    A category that the tree has not becomes the nearest one that it has.
    """
    line = re.sub(r"^\W*(?:\d+[.)]\s*)?", "", line).strip()
    category, _, text = line.partition(":") if ":" in line else ("", "", line)
    text = re.split(r"(?<=[a-z0-9)])[.;](?:\s|$)", text.strip())[0].strip(" .\"'*")
    if not _SHORTEST <= len(text.split()) <= _LONGEST:
        return None
    category = category.strip().lower()
    if category not in _CATEGORIES:
        names = list(_CATEGORIES)
        query, *vectors = embedder.embed([f"{category} {text}", *names])
        category = names[nearest(query, vectors)[0]]
    return Idea(text, words_of(text), _CATEGORIES[category], category, source)


def _grammar(most: int) -> str:
    categories = " | ".join(literal(f"{category}: ") for category in _CATEGORIES)
    return f'start: idea~1..{most}\nidea: ({categories}) TEXT "\\n"\nTEXT: /[A-Za-z][A-Za-z0-9 ,\'()-]{{20,140}}/\n'
