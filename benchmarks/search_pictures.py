"""Charts of reports as files of their own: with their style, a background and a legend."""

from __future__ import annotations

from collections.abc import Mapping

from nasc.search.report.charts import Chart, draw
from nasc.search.report.markup import raw, tag

COLOURS = ("#0b5cad", "#c2410c", "#0f7b5f", "#8a3ffc", "#b0185f", "#7a6000", "#0e7490", "#4b5563")
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #333; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: #ddd; } .stroke { stroke: #666; } .line { fill: none; stroke-width: 2; } .area { fill-opacity: .08; }
.d1 { stroke-dasharray: 7 4; } .d2 { stroke-dasharray: 2 3; }
"""
WIDTH, HEIGHT, ROW = 900, 460, 20


def picture(chart: Chart, names: Mapping[str, str]) -> str:
    """Return a chart as an SVG file; ``names`` are what its lines are called, with their classes."""
    rules = (f".line.s{i} {{ stroke: {c}; }} .points.s{i}, .area.s{i} {{ fill: {c}; }}" for i, c in enumerate(COLOURS))
    columns = 3
    height = HEIGHT + ROW * -(-len(names) // columns) + 12
    legend = [
        tag(
            "g",
            tag("path", d="M0 0H26", class_=f"line {kind}"),
            tag("text", name, x=34, y=4),
            transform=f"translate({56 + index % columns * 280} {HEIGHT + 12 + index // columns * ROW})",
        )
        for index, (name, kind) in enumerate(names.items())
    ]
    whole = tag(
        "svg",
        tag("style", raw(STYLE + "\n".join(rules))),
        tag("rect", width=WIDTH, height=height, fill="#fff"),
        tag("svg", draw(chart, WIDTH, HEIGHT, "file", "chart"), width=WIDTH, height=HEIGHT),
        *legend,
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=height,
        viewBox=f"0 0 {WIDTH} {height}",
    )
    return f"{whole}\n"
