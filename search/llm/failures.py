"""What the openai package raises, in our words: what happened, what is right, and whether to try again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from .errors import BadReply, ContextTooLong, RateLimited, Refused, TimedOut, Unreachable
from .retry import Failure

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError

_SHOWN = 300
_TOO_LONG = re.compile(r"context.?(length|size|window)", re.IGNORECASE)
"""What OpenAI, vLLM, SGLang and llama.cpp say, in code or words, of a prompt that is too long."""


def failure_of(error: Exception, url: str, key: str, timeout: float, reached: bool) -> Failure:
    """Return what an exception of a call to ``url`` means.

    ``key`` is the environment variable that holds the key, ``timeout`` the seconds allowed. A server that was
    ``reached`` before may be on its way back, so a refused connection is worth another try; one that never
    was is not there.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    match error:
        case TimeoutError() | APITimeoutError():
            hint = "give it longer with --timeout (of a search: --llm-timeout), or see whether it is busy: " + _curl(
                url
            )
            return Failure(TimedOut.at(url, f"no answer within {timeout:g} s", hint), transient=True)
        case APIConnectionError():
            return _connection(error, url, reached)
        case APIStatusError():
            return _status(error, url, key)
        case _:
            return bad_reply(url, f"the reply is no JSON of this API ({error})")


def bad_reply(url: str, what: str) -> Failure:
    """Return what it means that something came back, but no reply of this API; a proxy may do better next time."""
    return Failure(BadReply.at(url, what, f"is the URL the root of the API? try: {_curl(url)}"), transient=True)


def _curl(url: str) -> str:
    return f"curl {url}/models"


def _connection(error: APIConnectionError, url: str, reached: bool) -> Failure:
    from httpx2 import ConnectError

    cause = error.__cause__
    refused = isinstance(cause, ConnectError)
    said = str(cause or error).strip() or type(cause or error).__name__
    what = f"cannot connect ({said})" if refused else f"the connection broke ({said})"
    hint = f"is the server running? try: {_curl(url)}"
    return Failure(Unreachable.at(url, what, hint), transient=reached or not refused)


def _status(error: APIStatusError, url: str, key: str) -> Failure:
    status, said = error.status_code, _said(error)
    wait = retry_after(error.response.headers.get, time.time())
    if status == 429:
        return _limited(error, url, said, wait)
    if status in (408, 409) or (status >= 500 and status != 501):
        hint = f"the server failed, not the request; see its log, or try: {_curl(url)}"
        return Failure(Unreachable.at(url, f"HTTP {status}: {said}", hint), True, wait)
    if status in (400, 413, 422) and _TOO_LONG.search(f"{error.code} {error.type} {said}"):
        hint = "shorten the prompt, lower max_tokens, or serve the model with a longer context"
        return Failure(ContextTooLong.at(url, f"HTTP {status}: {said}", hint), transient=False)
    hints = {
        401: f"put a valid key into {key}",
        403: f"the key in {key} may not use this model",
        404: f"is it the name of a model that the server has? {_curl(url)} lists them",
    }
    hint = hints.get(status, "the request does not suit this server or this model")
    return Failure(Refused.at(url, f"HTTP {status}: {said}", hint), transient=False)


def _limited(error: APIStatusError, url: str, said: str, wait: float | None) -> Failure:
    asked = "" if wait is None else f"; the server asks to wait {wait:g} s"
    if error.code == "insufficient_quota":
        hint = "the account is used up: no retry helps, add credit or use another --llm"
        return Failure(RateLimited.at(url, f"HTTP 429: {said}", hint), transient=False)
    hint = "wait, ask less often, or use another --llm"
    return Failure(RateLimited.at(url, f"HTTP 429: {said}{asked}", hint), True, wait)


def _said(error: APIStatusError) -> str:
    """Return the server's own message, on one line and cut short."""
    body: object = error.body
    said = cast(dict[str, object], body).get("message", body) if isinstance(body, dict) else body
    text = " ".join(str(said if said else error.message).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def retry_after(header: Callable[[str], str | None], now: float) -> float | None:
    """Return the seconds that a reply asks to wait, by its headers (in ms, in s, or as a date), or None."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = header(name)
        if not value:
            continue
        try:
            return max(0.0, float(value) * scale)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - now)
        except ValueError:
            continue
    return None
