"""The ideas of a study, and which of them can be carried out in a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from ...ir import Module, NascError
from ..engine import View
from ..ideas import Embedder, Idea, default_ideas, open_embedder, read_ideas
from ..ideas.embedding import Served, Vector, asked
from ..ideas.idea import idea_of
from .narrowing import holds

_KIND = "idea"
_SETTINGS = "ideas"


def ideas_of(view: View, path: str) -> list[Idea]:
    """Return the ideas of a study: at first those of a file, or the shipped ones, which are then kept in its memory."""
    kept = view.memory.all(_KIND)
    if not kept:
        for number, idea in enumerate(first_ideas(path)):
            view.memory.put(_KIND, f"{number:05}", idea.document())
        kept = view.memory.all(_KIND)
    return [idea_of(dict(document)) for _, document in kept]


def first_ideas(path: str) -> tuple[Idea, ...]:
    """Return the ideas of a file, the shipped ones for no file. Raises NascError."""
    if not path:
        return default_ideas()
    found = read_ideas(Path(path))
    if not found:
        raise NascError.of(f"{path} holds no idea", "give a file of `nasc ideas read`", "ideas")
    return found


def feasible(view: View, module: Module, ideas: Sequence[Idea]) -> list[Idea]:
    """Return the ideas for which the space has a change of a network."""
    try:
        grammar = view.space.grammar(module, None, 1)
    except NascError:
        return []
    return [idea for idea in ideas if holds(grammar, idea.words)]


def embedder_of(view: View, spec: str) -> Embedder:
    """Return the embedder of a study: that of its first round, also where another would be found now."""
    kept = view.memory.get(_SETTINGS, "embedder")
    embedder = _opened(str(kept["spec"]) if kept else spec)
    if kept is None:
        found = "hashed" if embedder.name == "hashed" else "local"
        view.memory.put(_SETTINGS, "embedder", {"spec": found if spec == "auto" else spec})
    return Noted(embedder, view) if isinstance(embedder, Served) else embedder


@dataclass(eq=False)
class Noted:
    """A server's embeddings in one round: the study keeps them, and records what they took."""

    server: Served
    view: View
    known: dict[str, Vector] = field(default_factory=dict[str, Vector])

    @property
    def name(self) -> str:
        """The name of the server's model."""
        return self.server.name

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector a text. Raises LLMError."""
        for text in texts:
            if text not in self.known:
                self.known[text] = asked(text, partial(self.view.beside, self.server))
        return [self.known[text] for text in texts]


def vectors(embedder: Embedder, texts: Sequence[str]) -> list[Vector]:
    """Return a vector a text; each text is embedded once in a process, by a server once in a study."""
    if isinstance(embedder, Noted):
        return embedder.embed(texts)
    return [_vector(embedder, text) for text in texts]


@lru_cache(maxsize=8)
def _opened(spec: str) -> Embedder:
    return open_embedder(spec)


@lru_cache(maxsize=8192)
def _vector(embedder: Embedder, text: str) -> Vector:
    return embedder.embed([text])[0]
