"""Layout: nested calls and displays written on one line where they fit, else broken at their brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

from .quoting import WIDTH

Doc: TypeAlias = Union[str, "Group"]


@dataclass(frozen=True)
class Item:
    """One entry between brackets: ``stride=2``, ``"conv": nn.Conv2d(...)``, with comment lines above it."""

    value: Doc
    prefix: str = ""
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Entries between brackets; a ``display`` (list, dict) puts each on its own line when it is broken.

    Without ``commas`` the entries are the terms of a formula, which needs brackets only when it is broken.
    """

    head: str
    items: tuple[Item, ...]
    tail: str
    display: bool = False
    commas: bool = True


def call(function: str, *arguments: Doc, **keywords: Doc) -> Group:
    """Return ``function(arguments, keyword=...)``."""
    items = [Item(argument) for argument in arguments]
    items += [Item(value, f"{name}=") for name, value in keywords.items()]
    return Group(f"{function}(", tuple(items), ")")


def flat(doc: Doc) -> str:
    """Return a document on one line, comments left out."""
    if isinstance(doc, str):
        return doc
    separator = ", " if doc.commas else " "
    if not doc.commas:
        return separator.join(item.prefix + flat(item.value) for item in doc.items)
    return doc.head + separator.join(item.prefix + flat(item.value) for item in doc.items) + doc.tail


def has_comments(doc: Doc) -> bool:
    """Return whether any entry has a comment, so that the document needs more than one line."""
    return not isinstance(doc, str) and any(item.comments or has_comments(item.value) for item in doc.items)


def render(prefix: str, doc: Doc, indent: int, suffix: str = "") -> list[str]:
    """Return the lines of ``prefix + doc + suffix`` at an indent."""
    margin = " " * indent
    commented = has_comments(doc)
    if isinstance(doc, str) or not commented:
        line = f"{margin}{prefix}{flat(doc)}{suffix}"
        if len(line) <= WIDTH or (isinstance(doc, str) and not _wraps(prefix, doc)):
            return [line]
        if isinstance(doc, str) or (_wraps(prefix, doc) and indent + 4 + len(flat(doc)) <= WIDTH):
            return [f"{margin}{prefix}(", f"{margin}    {flat(doc)}", f"{margin}){suffix}"]
    return [f"{margin}{prefix}{doc.head}", *_body(doc, indent + 4, commented), f"{margin}{doc.tail}{suffix}"]


def _wraps(prefix: str, doc: Doc) -> bool:
    """Return whether a long right-hand side is better put in brackets than broken at its last ones."""
    if not prefix.endswith(" = ") or prefix.startswith("self."):
        return False
    if isinstance(doc, str):
        return any(c in doc for c in ".([")
    chained = ")." in doc.head or "]." in doc.head
    return chained and doc.commas and not any(isinstance(item.value, Group) for item in doc.items)


def _body(doc: Group, indent: int, commented: bool) -> list[str]:
    margin = " " * indent
    if doc.commas and not doc.display and not commented:
        line = margin + ", ".join(item.prefix + flat(item.value) for item in doc.items)
        if len(line) <= WIDTH:
            return [line]
    lines: list[str] = []
    for item in doc.items:
        lines += [margin + comment for comment in item.comments]
        alone = not doc.display and len(doc.items) == 1 and not item.prefix
        lines += render(item.prefix, item.value, indent, "," if doc.commas and not alone else "")
    return lines
