"""The report as one page that needs nothing but itself: no network, no script or style but its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ... import __version__
from .candidates import as_script, payload
from .comparisons import comparison
from .markup import Markup, joined, raw, tag
from .material import Material
from .relevances import Annotate, with_relevance
from .sections import candidates, figures, ledger, progress, settings, trade_off

ICON = "data:,"


def as_html(materials: Sequence[Material], annotate: Annotate | None = None, most: int = 0) -> str:
    """Return the page of the first study, compared with the others.

    ``annotate`` measures relevance; the ``most`` networks that matter get it, and all networks show what they carry.
    Every text in the page is escaped, and its policy lets a browser run no script and load no file but those in it.
    """
    first = materials[0]
    data = payload(first, with_relevance(first.trials, annotate, most))
    style, script = _text("page.css"), _text("page.js")
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href=ICON),
        tag("title", f"{first.name} - nasc report"),
        tag("style", raw(style)),
    ]
    body = [
        tag("a", "skip to the candidates", href="#candidates", class_="skip"),
        _header(first),
        tag("main", _main(materials)),
        tag("footer", f"nasc {__version__}"),
        tag("script", raw(as_script(data)), type="application/json", id="data"),
        tag("script", raw(script)),
    ]
    page = tag("html", tag("head", *head), tag("body", *body), lang="en")
    return f"<!doctype html>\n{page}\n"


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _header(material: Material) -> Markup:
    return tag(
        "header",
        tag("div", tag("p", "nasc report", class_="kicker"), tag("h1", material.name)),
        tag("p", material.headline, class_="subtitle"),
        tag("button", "theme", type="button", id="theme", title="light, dark or as the system says"),
    )


def _main(materials: Sequence[Material]) -> Markup:
    first = materials[0]
    return joined(
        figures(first),
        progress(first),
        trade_off(first),
        candidates(first),
        comparison(materials) if len(materials) > 1 else None,
        ledger(first),
        settings(first),
    )
