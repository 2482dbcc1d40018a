"""Tables of the page: head, rows, and numbers that line up on the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .axes import number
from .markup import Children, Markup, tag

Cell = Children | float | None


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Children]], right: Iterable[int] = ()) -> Markup:
    """Return a table that scrolls sideways in narrow places; ``right`` are the columns that hold numbers."""
    numeric = set(right)
    body = [tag("tr", *(_cell(cell, index in numeric) for index, cell in enumerate(row))) for row in rows]
    titles = (tag("th", text, scope="col", class_="number" * (i in numeric) or None) for i, text in enumerate(head))
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", tag("tr", *titles)), tag("tbody", *body)),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def _cell(cell: Children, numeric: bool) -> Markup:
    shown = number(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else cell
    return tag("td", "-" if shown is None else shown, class_="number" if numeric else None)


def link(number_: int) -> Markup:
    """Return a link that shows a candidate."""
    return tag("a", f"#{number_}", href=f"#n{number_}", class_="candidate")


def signed(value: float | None) -> str | None:
    """Return a difference with its sign; None where there is none."""
    return None if value is None else f"{value:+.4g}"


def percent(share: float | None) -> str:
    """Return a share as a percentage."""
    return "-" if share is None else f"{100 * share:.1f}%"


def duration(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
