"""Every relative link in a Markdown file leads somewhere."""

import re
from pathlib import Path

LINK = re.compile(r"(?<!!)\[[^\]\n]*]\(([^)\s]+)\)|!\[[^\]\n]*]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the anchors that headings get: lower case, spaces to dashes, punctuation dropped."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """Return the targets of the links in a document that do not leave the repository."""
    found = [a or b for a, b in LINK.findall(CODE.sub("", FENCE.sub("", text)))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def broken(document: Path) -> list[str]:
    """Return the links of a document whose file or heading is not there."""
    text = document.read_text(encoding="utf-8")
    wrong: list[str] = []
    for link in links(text):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            wrong.append(link)
    return wrong


def test_broken_links_are_seen(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(
        "# One: two `three`\n[fine](#one-two-three) [web](https://example.org) `[code](no.md)`\n"
        "```\n[fenced](no.md)\n```\n[gone](gone.md) [no heading](a.md#four) ![picture](p.svg)\n",
        encoding="utf-8",
    )
    assert broken(document) == ["gone.md", "a.md#four", "p.svg"]


def test_links_resolve(root: Path, files: list[Path]) -> None:
    documents = [f for f in files if f.suffix == ".md"]
    assert documents
    assert {str(f): wrong for f in documents if (wrong := broken(root / f))} == {}
