"""HTML and SVG that is safe by construction: text is escaped unless a tag made it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

VOID = frozenset({"br", "col", "hr", "input", "link", "meta", "rect", "circle", "line", "path", "polyline"})


class Markup(str):
    """Text that is markup already; only :func:`tag`, :func:`joined` and :func:`raw` make it."""

    __slots__ = ()


Child = str | int | float | None
Children = Child | list["Children"] | Iterator["Children"] | tuple["Children", ...]
Attribute = str | int | float | bool | None


def tag(name: str, /, *children: Children, **attributes: Attribute) -> Markup:
    """Return an element; text among the children, and every attribute, is escaped.

    An attribute that is True stands alone, one that is None or False is left out. ``class_`` is ``class``, and other
    underscores in names are dashes.
    """
    stated = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID and not children:
        return Markup(
            f"<{name}{stated}>" if name in ("br", "col", "hr", "input", "link", "meta") else f"<{name}{stated}/>"
        )
    return Markup(f"<{name}{stated}>{joined(*children)}</{name}>")


def joined(*children: Children) -> Markup:
    """Return children side by side, text among them escaped and None left out."""
    return Markup("".join(map(_shown, children)))


def raw(text: str) -> Markup:
    """Return text that is trusted as it is: the page's own script, style or data, never what came from outside."""
    return Markup(text)


def _shown(child: Children) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(printable(child))
    if isinstance(child, int | float):
        return escape(str(child))
    return "".join(map(_shown, child))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(printable(str(value)))}"'


def printable(text: str) -> str:
    """Return text with what no page may hold (controls, lone surrogates, marks that turn the direction) as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)
