"""What can go wrong with an LLM: each error says where, what, and what would be right.

LLMError
├── UnknownClient     the spec after --llm means nothing
├── NotInstalled      a package or the model is missing on this machine
├── Unreachable       no server, no network, the connection broke
├── TimedOut          the server did not answer in time
├── RateLimited       the server asks for less, or the account is empty
├── Refused           the server answered and said no: key, model, request
├── BadReply          what came back is none of this API: another URL, or something on the way
├── BadAnswer         the model answered with nothing, or declined
├── BadGrammar        the grammar of the prompt cannot be used
├── ContextTooLong    the prompt does not fit into the model
└── BudgetExhausted   the tokens allowed for this run are spent
"""

from __future__ import annotations

from typing import ClassVar, Self

from ...ir import Diagnostic, NascError


class LLMError(NascError):
    """An LLM could not answer; ``code`` names the kind for tools."""

    code: ClassVar[str] = "llm"

    @classmethod
    def at(cls, place: str, message: str, hint: str) -> Self:
        """Return an error about ``place`` (an endpoint, a model, a file), with what would be right."""
        return cls(Diagnostic(f"{place}: {message}", hint, cls.code))


class UnknownClient(LLMError):
    """The spec names no client."""

    code = "llm-unknown"


class NotInstalled(LLMError):
    """A package or the model is missing on this machine."""

    code = "llm-not-installed"


class Unreachable(LLMError):
    """There is no server, no network, or the connection broke."""

    code = "llm-unreachable"


class TimedOut(LLMError):
    """The server did not answer in time."""

    code = "llm-timed-out"


class RateLimited(LLMError):
    """The server asks for fewer calls, or the account is empty."""

    code = "llm-rate-limited"


class Refused(LLMError):
    """The server answered and said no: to the key, the model or the request."""

    code = "llm-refused"


class BadReply(LLMError):
    """What came back is none of this API: the URL is another's, or something on the way broke it."""

    code = "llm-bad-reply"


class BadAnswer(LLMError):
    """The model answered with nothing, or declined: with this prompt it would again."""

    code = "llm-bad-answer"


class BadGrammar(LLMError):
    """The grammar of the prompt cannot be read, or uses what this client does not know."""

    code = "llm-grammar"


class ContextTooLong(LLMError):
    """The prompt and the answer allowed for it do not fit into the model's context."""

    code = "llm-context"


class BudgetExhausted(LLMError):
    """The tokens allowed for this run are spent."""

    code = "llm-budget"
