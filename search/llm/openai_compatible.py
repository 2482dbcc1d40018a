"""Clients of OpenAI and of every server that speaks its API, through the openai package.

``openai:MODEL`` is OpenAI itself, its key in OPENAI_API_KEY. ``http://host:port/v1#MODEL`` is any other
server, its key, if it wants one, in NASC_LLM_API_KEY; OPENAI_API_KEY is never sent to it. How a server takes
a grammar is its dialect (see dialects.py): ``#MODEL?dialect=vllm`` says it, else the ``owned_by`` of its
models tells. A request that is refused because of its grammar or another optional argument is made once more
without, and so are all after it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ...ir import did_you_mean
from .client import Answer, Prompt
from .dialects import OPTIONAL, Dialect, answer_text, broken, dialect_of, listed, request
from .errors import BadAnswer, BadReply, ContextTooLong, NotInstalled, Refused
from .failures import bad_reply, failure_of
from .retry import CallError, Failure, Retry, within

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI
    from openai.types.chat import ChatCompletion

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
OTHER_KEY = "NASC_LLM_API_KEY"

_CONNECT = 10.0
"""Seconds after which a connection that is not made counts as timed out."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served: ``name`` as the user spelt it, the root of the API, model and dialect."""

    name: str
    url: str
    model: str
    dialect: Dialect | None = None

    @property
    def key(self) -> str:
        """The environment variable that holds the key of this server."""
        return OPENAI_KEY if self.url == OPENAI_URL else OTHER_KEY


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of texts, how many tokens these have, and the model's own name."""

    vectors: list[Sequence[float]]
    tokens: int
    model: str


class ServerClient:
    """A model behind an OpenAI-compatible server.

    ``timeout`` bounds each try as a whole, in seconds; ``retry`` says how often and how patiently. Nothing is
    imported and nobody is called before the first prompt.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, retry: Retry, on_event: Callable[[str], None]) -> None:
        self.endpoint = endpoint
        self._timeout = timeout
        self._retry = retry
        self._on_event = on_event
        self._server: OpenAI | None = None
        self._dialect: Dialect | None = endpoint.dialect
        self._skip: frozenset[str] = frozenset()
        self._reached = False

    @property
    def name(self) -> str:
        """The endpoint as the user spelt it."""
        return self.endpoint.name

    def complete(self, prompt: Prompt) -> Answer:
        """Return the model's answer; raises LLMError when no try brought one."""
        start = time.monotonic()
        dialect = self._dialect_known()
        completion = self._retry.run(lambda: self._ask(prompt, dialect), self._on_event)
        try:
            text, finished = answer_text(completion)
        except ValueError as error:
            raise BadAnswer.at(self.endpoint.url, str(error), "ask again, or with more max_tokens") from error
        sent = sum(len(message.content) for message in prompt.messages)
        usage = getattr(completion, "usage", None)
        return Answer(
            text=text,
            prompt_tokens=_tokens(getattr(usage, "prompt_tokens", None), sent),
            completion_tokens=_tokens(getattr(usage, "completion_tokens", None), len(text)),
            seconds=time.monotonic() - start,
            model=str(getattr(completion, "model", None) or self.endpoint.model),
            finished=finished,
        )

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Return a vector a text from the server's /embeddings; raises LLMError when no try brought them."""
        return self._retry.run(lambda: self._embeddings(list(texts)), self._on_event)

    def _embeddings(self, texts: list[str]) -> Embedded:
        server, model = self._connected(), self.endpoint.model
        page = self._call(lambda: server.embeddings.create(model=model, input=texts, encoding_format="float"))
        rows = [getattr(row, "embedding", None) for row in listed(page, "data")]
        vectors: list[Sequence[float]] = [row for row in rows if isinstance(row, list) and row]
        if len(vectors) != len(texts):
            raise CallError(bad_reply(self.endpoint.url, f"{len(vectors)} embeddings for {len(texts)} texts"))
        tokens = _tokens(getattr(getattr(page, "usage", None), "prompt_tokens", None), sum(map(len, texts)))
        return Embedded(vectors, tokens, str(getattr(page, "model", None) or model))

    def _dialect_known(self) -> Dialect:
        """Return the dialect: given, OpenAI's own, or what the server's list of models tells."""
        if self._dialect is not None:
            return self._dialect
        dialect = self._retry.run(self._detect, self._on_event)
        self._on_event(f"{self.endpoint.url} takes grammars as: {dialect}")
        self._dialect = dialect
        return dialect

    def _detect(self) -> Dialect:
        try:
            return dialect_of(owner for _, owner in self._models())
        except CallError as failed:
            if isinstance(failed.failure.error, BadReply | Refused):
                return "plain"
            raise

    def _models(self) -> list[tuple[str, str | None]]:
        server = self._connected()
        page = self._call(lambda: server.models.list())
        return [(str(getattr(model, "id", "")), getattr(model, "owned_by", None)) for model in listed(page, "data")]

    def _ask(self, prompt: Prompt, dialect: Dialect) -> ChatCompletion:
        """Make one try; leaves out what the server will not have, and remembers that when it helped."""
        server = self._connected()
        from openai import APIStatusError

        skip = self._skip
        while True:
            arguments = request(prompt, self.endpoint.model, dialect, skip)
            try:
                completion: ChatCompletion = self._call(partial(server.chat.completions.create, **arguments))
            except CallError as failed:
                cause = failed.__cause__
                if not isinstance(cause, APIStatusError) or isinstance(failed.failure.error, ContextTooLong):
                    raise
                more = _refused_part(cause, arguments, skip)
                if more is None:
                    raise self._explained(failed) from cause
                skip |= {more}
                continue
            if what := broken(completion):
                raise CallError(bad_reply(self.endpoint.url, what))
            if skip != self._skip:
                self._on_event(f"{self.endpoint.url} will not have: {', '.join(sorted(skip - self._skip))}")
                self._skip = skip
            return completion

    def _explained(self, failed: CallError) -> CallError:
        """Return the failure, for a model that is not there with the names of those that are."""
        from openai import NotFoundError

        if not isinstance(failed.__cause__, NotFoundError):
            return failed
        try:
            hint = did_you_mean(self.endpoint.model, [name for name, _ in self._models()])
        except CallError:
            return failed
        message = f"HTTP 404: the server has no model {self.endpoint.model!r}"
        error = Refused.at(self.endpoint.url, message, hint) if hint else failed.failure.error
        return CallError(Failure(error, transient=False))

    def _call(self, call: Callable[[], Result]) -> Result:
        """Return what a call to the server returns, in time; raises CallError.

        The package trips over replies of another shape than it expects, each in its own way.
        """
        from openai import OpenAIError

        url = self.endpoint.url
        try:
            result = within(self._timeout, call)
        except (OpenAIError, TimeoutError, ValueError, AttributeError, TypeError) as error:
            failure = failure_of(error, url, self.endpoint.key, self._timeout, self._reached)
            raise CallError(failure) from error
        self._reached = True
        return result

    def _connected(self) -> OpenAI:
        if self._server is None:
            self._server = _connect(self.endpoint, self._timeout)
        return self._server


def _connect(endpoint: Endpoint, timeout: float) -> OpenAI:
    try:
        from httpx2 import Timeout
        from openai import OpenAI
    except ImportError as error:
        raise NotInstalled.at(
            endpoint.name, "the openai package is missing", "pip install 'openai>=3.54,<4'"
        ) from error
    key = os.environ.get(endpoint.key, "")
    if not key and endpoint.key == OPENAI_KEY:
        raise Refused.at(endpoint.name, f"{OPENAI_KEY} is not set", f"export {OPENAI_KEY}=..., or use --llm local")
    limits = Timeout(timeout, connect=min(timeout, _CONNECT))
    return OpenAI(base_url=endpoint.url, api_key=key or "none", timeout=limits, max_retries=0)


def _refused_part(error: APIStatusError, arguments: dict[str, object], skip: frozenset[str]) -> str | None:
    """Return what to leave out after a refusal: the argument it names, else the grammar, else None."""
    if error.status_code not in (400, 422):
        return None
    said = str(error.message)
    for name in sorted(OPTIONAL - skip):
        if name in arguments and (error.param == name or f"'{name}'" in said):
            return name
    return "grammar" if "extra_body" in arguments or "tools" in arguments else None


def _tokens(counted: object, characters: int) -> int:
    """Return the server's count, or the usual four characters a token where it gives none."""
    return counted if isinstance(counted, int) else characters // 4 + 1
