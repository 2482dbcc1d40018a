"""Charts as SVG: axes, points, steps and bands; colours and type come from the style around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .axes import Axis, axis, short
from .markup import Markup, joined, tag

LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 44


@dataclass(frozen=True, slots=True)
class Points:
    """Marks at values ``(x, y, n)``; ``n`` is the number of the trial, by which the page finds it (-1: none)."""

    values: Sequence[tuple[float, float, int]]
    kind: str
    radius: float = 3.5


@dataclass(frozen=True, slots=True)
class Line:
    """A line through values; ``steps`` keeps the earlier y until the next x."""

    values: Sequence[tuple[float, float]]
    kind: str
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """The area between two lines over the same x: ``(x, low, high)``."""

    values: Sequence[tuple[float, float, float]]
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows; ``title`` and ``text`` are what is read aloud in its place.

    ``floor`` cuts the y axis off below a value, so that one bad network does not press all others together; what
    lies below is drawn at the edge.
    """

    title: str
    text: str
    x: str
    y: str
    marks: Sequence[Points | Line | Area]
    logarithmic: bool = False
    floor: float | None = None


def draw(chart: Chart, width: int, height: int, kind: str, name: str) -> Markup:
    """Return the chart as an SVG element of this size in pixels; ``name`` is the id that its texts begin with."""
    xs = [value[0] for mark in chart.marks for value in mark.values]
    ys = [y for mark in chart.marks for y in _heights(mark)]
    floor = chart.floor
    ys = [y for y in ys if floor is None or y >= floor] or ys
    across = axis(xs, LEFT, width - RIGHT, chart.logarithmic, 0.03)
    up = axis(ys, height - BOTTOM, TOP)
    return tag(
        "svg",
        tag("title", chart.title, id=f"{name}-title"),
        tag("desc", chart.text, id=f"{name}-text"),
        *_frame(across, up, chart, width, height),
        *(_mark(mark, across, up) for mark in chart.marks),
        tag("g", class_="overlay"),
        viewBox=f"0 0 {width} {height}",
        class_=f"chart {kind}",
        role="img",
        aria_labelledby=f"{name}-title {name}-text",
    )


def _heights(mark: Points | Line | Area) -> Iterator[float]:
    for value in mark.values:
        yield from value[1:] if isinstance(mark, Area) else value[1:2]


def _frame(across: Axis, up: Axis, chart: Chart, width: int, height: int) -> Iterator[Markup]:
    bottom = height - BOTTOM
    for value in up.ticks(5):
        y = up.at(value)
        yield tag("line", x1=LEFT, x2=width - RIGHT, y1=y, y2=y, class_="grid")
        yield tag("text", short(value), x=LEFT - 8, y=y + 4, class_="tick end")
    for value in across.ticks(6 if width > 500 else 4):
        x = across.at(value)
        yield tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="stroke")
        yield tag("text", short(value), x=x, y=bottom + 17, class_="tick middle")
    yield tag("line", x1=LEFT, x2=width - RIGHT, y1=bottom, y2=bottom, class_="stroke")
    yield tag("text", chart.x, x=(LEFT + width - RIGHT) / 2, y=height - 8, class_="axis middle")
    middle = (TOP + bottom) / 2
    yield tag("text", chart.y, x=12, y=middle, class_="axis middle", transform=f"rotate(-90 12 {middle})")


def _mark(mark: Points | Line | Area, across: Axis, up: Axis) -> Markup:
    if isinstance(mark, Points):
        return tag("g", *_points(mark, across, up), class_=f"points {mark.kind}")
    if isinstance(mark, Line):
        return tag("path", d=_line(mark, across, up), class_=f"line {mark.kind}")
    lower = [f"{across.at(x)} {_within(up, low)}" for x, low, _ in mark.values]
    upper = [f"{across.at(x)} {_within(up, high)}" for x, _, high in mark.values]
    return tag("path", d="M" + "L".join([*upper, *reversed(lower)]) + "Z", class_=f"area {mark.kind}")


def _within(up: Axis, value: float) -> float:
    return up.at(min(max(value, up.low), up.high))


def _points(mark: Points, across: Axis, up: Axis) -> Iterator[Markup]:
    for x, y, number in mark.values:
        known = number if number >= 0 else None
        yield tag("circle", cx=across.at(x), cy=_within(up, y), r=mark.radius, data_n=known)


def _line(mark: Line, across: Axis, up: Axis) -> str:
    parts: list[str] = []
    for index, (x, y) in enumerate(mark.values):
        here, height = across.at(x), _within(up, y)
        if index == 0:
            parts.append(f"M{here} {height}")
        else:
            parts.append(f"H{here}V{height}" if mark.steps else f"L{here} {height}")
    return "".join(parts)


def both(chart: Chart, name: str) -> Markup:
    """Return the chart twice, for wide and for narrow places; the style shows the one that fits."""
    return joined(draw(chart, 680, 340, "wide", f"{name}-wide"), draw(chart, 360, 300, "narrow", f"{name}-narrow"))
