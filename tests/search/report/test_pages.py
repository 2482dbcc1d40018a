"""The page as text: nothing in it comes from elsewhere, and no text of a study can become markup."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

from nasc.ir import Module
from nasc.search.report import Material, as_html, as_text
from nasc.search.report.candidates import as_script
from nasc.search.report.markup import joined, tag

ALLOWED = {"meta", "link", "input"}


class Reader(HTMLParser):
    """Keeps the tags with their attributes, what stands in script and style, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[dict[str, str | None], str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ALLOWED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.inside.append((self.tags[-1][1], data))


def page(study: Material, *others: Material, annotate: Callable[[Module], Module] | None = None) -> Reader:
    return Reader(as_html([study, *others], annotate, 10))


def data_of(reader: Reader) -> dict[str, list[dict[str, object]]]:
    (text,) = (text for attributes, text in reader.inside if attributes.get("id") == "data")
    found: dict[str, list[dict[str, object]]] = json.loads(text)
    return found


def test_page_is_whole_and_brings_everything_along(study: Material, others: list[Material]) -> None:
    reader = page(study, *others)
    assert reader.open == []
    loaded = [
        (name, key, value)
        for name, attributes in reader.tags
        for key, value in attributes.items()
        if key in ("src", "href")
    ]
    assert all((value or "").startswith("#") or value == "data:," for _, _, value in loaded)
    assert not any(key.startswith("on") or key == "style" for _, attributes in reader.tags for key in attributes)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_policy_names_the_script_and_the_style(study: Material) -> None:
    reader = page(study)
    (policy,) = (a["content"] or "" for name, a in reader.tags if name == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; ")
    texts = [text for attributes, text in reader.inside if "type" not in attributes]
    assert len(texts) == 2
    for text in texts:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_hostile_text_stays_text(study: Material) -> None:
    settings = {"<b>": "<script>alert(1)</script>", "method": '"><svg onload=alert(1)>'}
    hostile = Material("<script>alert(1)</script>", study.trials, settings, study.calls)
    reader = page(hostile)
    scripts = [attributes for name, attributes in reader.tags if name == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert not any("onload" in attributes or "onerror" in attributes for _, attributes in reader.tags)
    rows = data_of(reader)["trials"]
    assert str(rows[3]["change"]).startswith("</script><script>")
    assert "\\u202e" in str(rows[3]["change"])


def test_data_cannot_end_its_element() -> None:
    text = as_script({"a": "</script>\u2028&<!--"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script>\u2028&<!--"}


def test_candidates_carry_text_diff_and_relevance(study: Material, relevance: Callable[[Module], Module]) -> None:
    data = data_of(page(study, annotate=relevance))
    rows, lines = data["trials"], data["lines"]
    numbers = rows[5]["text"]
    assert isinstance(numbers, list)
    text = "\n".join(str(lines[index]) for index in numbers)
    assert "%act = gelu %conv" in text
    assert "relevance" not in text
    assert rows[5]["diff"] == {
        "of": 1,
        "summary": "@block: 1 edit: 1 changed",
        "parts": [["@block", "", 1, [["changed", "act", "gelu op relu -> gelu", 0.0]]]],
    }
    assert ["@block conv", "conv2d", 1.0] in rows[5]["layers"]  # type: ignore[operator]
    assert "diff" not in rows[0]
    assert rows[3] == {
        key: rows[3][key] for key in ("n", "round", "status", "operator", "parents", "change", "why", "error")
    }
    assert rows[4]["repeat"] == 0


def test_studies_without_anything_are_reported() -> None:
    assert "Nothing has been evaluated yet." in as_html([Material("empty", [])])
    assert as_text([Material("empty", [])]) == "empty: \n\nproposals  0: none\nexecutable -\nevaluation 0.0 s\n"


def test_markup_escapes_all_but_itself() -> None:
    assert tag("p", "<", tag("b", "&"), None, 1, [["x"], "y"], title='"', hidden=True, id=None) == (
        '<p title="&quot;" hidden>&lt;<b>&amp;</b>1xy</p>'
    )
    assert joined("a\x1b[31m", tag("br")) == "a\\u001b[31m<br>"


def test_summary(study: Material, others: list[Material]) -> None:
    text = as_text([study, *others])
    assert text.splitlines()[0] == "first: nader · model.py · local · seed 1"
    assert "best       0.7  #5  " in text
    assert "           0.6875  cifar10 test" in text
    assert "proposals  10: 5 done, 1 repeat, 1 gated, 2 invalid, 1 pending" in text
    assert "LLM        2 calls, 1 from the cache, 1 failed, 200 + 50 tokens" in text
    assert re.search(r"^ +evolution +2 +0\.55 +0\.55 ± 0\.071 +-$", text, re.MULTILINE)
    assert all(c.isprintable() or c == "\n" for c in text)
