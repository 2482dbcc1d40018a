"""From what the user writes after ``--llm`` to a client: ``local``, ``random``, ``openai:MODEL`` or a URL."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ...ir import did_you_mean
from .cache import Cached
from .client import Client
from .dialects import DIALECTS, Dialect
from .errors import UnknownClient
from .ledger import Ledger, Metered
from .local import LocalClient
from .openai_compatible import OPENAI_URL, Endpoint, ServerClient
from .random import RandomClient
from .retry import Retry

FORMS: Final = ("local", "random", "openai:MODEL", "http://HOST:PORT/v1#MODEL")


def open_client(
    spec: str,
    *,
    cache_dir: Path | None = None,
    timeout: float = 60.0,
    tries: int = 4,
    budget_tokens: int | None = None,
    ledger: Ledger | None = None,
    on_event: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Client:
    """Return the client that ``spec`` names; see FORMS, and openai_compatible.py for the URL's dialect.

    With ``cache_dir`` answers are kept there and read back, so that a run replays without model or server.
    ``timeout`` (seconds) and ``tries`` bound every call of a server; the local model is bounded by
    ``max_tokens``. ``ledger`` takes the account, ``budget_tokens`` ends it. ``on_event`` hears of everything
    that takes time, in words; nothing is printed. ``sleep`` waits between tries. Neither a model is loaded
    nor a server called before the first prompt. Raises UnknownClient for a spec that names nothing,
    NotInstalled where the local model is missing.
    """
    tell = on_event or _nobody
    ledger = Ledger() if ledger is None else ledger
    if spec == "random":
        return Metered(RandomClient(), ledger)
    client: Client
    if spec == "local":
        client = LocalClient(tell)
    else:
        client = ServerClient(read_endpoint(spec), timeout, Retry(tries, sleep=sleep), tell)
    metered = Metered(client, ledger, budget_tokens)
    return metered if cache_dir is None else Cached(metered, cache_dir, ledger.record)


def read_endpoint(spec: str) -> Endpoint:
    """Return the endpoint that ``openai:MODEL`` or ``http(s)://...#MODEL[?dialect=NAME]`` names."""
    if spec.startswith("openai:") and spec != "openai:":
        return Endpoint(spec, OPENAI_URL, spec.removeprefix("openai:"), "openai")
    if spec.startswith(("http://", "https://")):
        return _read_url(spec)
    forms = ", ".join(FORMS)
    if spec.rstrip(":") == "openai":
        raise UnknownClient.at(f"--llm {spec}", "names no model", "write openai:MODEL")
    if "/" in spec or "#" in spec:
        raise UnknownClient.at(f"--llm {spec}", "is no URL", f"did you mean 'http://{spec}'?")
    guess = did_you_mean(spec, ("local", "random"))
    hint = f"{guess} The forms are: {forms}" if guess.startswith("did") else f"use one of: {forms}"
    raise UnknownClient.at(f"--llm {spec}", "names no LLM", hint)


def _read_url(spec: str) -> Endpoint:
    root, _, fragment = spec.partition("#")
    parts = _split(spec, root)
    if parts.username or parts.password:
        hint = "put the key into NASC_LLM_API_KEY: names of models go into files"
        raise UnknownClient.at(f"--llm {parts.scheme}://...@{parts.hostname}", "holds a password", hint)
    root = root.rstrip("/")
    model, mark, query = fragment.rpartition("?")
    if not mark:
        model, query = fragment, ""
    if not model:
        hint = f"write {root}#MODEL; curl {root}/models lists them"
        raise UnknownClient.at(f"--llm {spec}", "names no model", hint)
    return Endpoint(spec, root, model, _read_dialect(spec, query))


def _split(spec: str, root: str) -> SplitResult:
    try:
        parts = urlsplit(root)
        _ = parts.port
    except ValueError as error:
        raise UnknownClient.at(f"--llm {spec}", f"is no URL ({error})", f"write {FORMS[3]}") from error
    if not parts.hostname:
        raise UnknownClient.at(f"--llm {spec}", "names no host", f"write {FORMS[3]}")
    return parts


def _read_dialect(spec: str, query: str) -> Dialect | None:
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(options) - {"dialect"})
    if unknown:
        raise UnknownClient.at(f"--llm {spec}", f"has an unknown option {unknown[0]!r}", "the one option is dialect")
    dialect = options.get("dialect")
    if dialect is not None and dialect not in DIALECTS:
        hint = did_you_mean(dialect, DIALECTS)
        raise UnknownClient.at(f"--llm {spec}", f"has an unknown dialect {dialect!r}", hint)
    return dialect


def _nobody(event: str) -> None:
    """Hear nothing."""
