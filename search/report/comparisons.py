"""Several studies side by side: those that differ in chance alone together, as a median and its quartiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev

from ...ir import counted
from .account import executable, total
from .charts import Area, Chart, Line, Points
from .curves import Band, band, best_so_far
from .front import front
from .markup import Children, Markup, tag
from .material import Material
from .sections import card, figure, floor_of
from .tables import duration, percent, table

COLOURS = 8
CHANCE = ("method", "llm", "seed", "begun", "evaluations wanted")
"""Settings that tell no groups apart, or that are in a label anyway."""
NOTE = "Lines are medians of studies that differ in nothing but chance, areas their quartiles."


@dataclass(frozen=True, slots=True)
class Group:
    """Studies with one label, and their curves of the best so far."""

    label: str
    studies: tuple[Material, ...]
    band: Band
    kind: str


def groups(materials: Sequence[Material]) -> list[Group]:
    """Return the studies by label, in the order in which labels first come."""
    found: dict[str, list[Material]] = {}
    for material, label in zip(materials, labels(materials), strict=True):
        found.setdefault(label, []).append(material)
    return [
        Group(label, tuple(some), band([best_so_far(one.trials) for one in some]), _kind(index))
        for index, (label, some) in enumerate(found.items())
    ]


def labels(materials: Sequence[Material]) -> list[str]:
    """Return what each study is known by: its method and LLM, and the settings in which it differs from another."""
    names = [name for name in materials[0].settings if all(name in one.settings for one in materials)]
    differ = [name for name in names if len({material.setting(name) for material in materials}) > 1]
    apart = [name for name in differ if name not in CHANCE]
    return [
        " · ".join([material.label, *(f"{name} {material.setting(name) or 'none'}" for name in apart)])
        for material in materials
    ]


def _kind(index: int) -> str:
    """Return the classes that colour a group; colours come again in another stroke."""
    return f"s{index % COLOURS} d{index // COLOURS % 3}"


def comparison(materials: Sequence[Material]) -> Markup:
    """Return the curves of all groups and a table of what they reached."""
    found = groups(materials)
    return card(
        "comparison",
        "Comparison",
        tag(
            "p",
            f"{counted(len(materials), 'study', 'studies')}. {NOTE}",
            class_="note",
        ),
        tag("div", figure(curves(found), "comparison"), figure(fronts(found), "fronts"), class_="pair"),
        _names(found),
        _table(found),
        _studies(materials),
        wide=True,
    )


def curves(found: Sequence[Group]) -> Chart:
    """Return the chart of the best score so far, a line a group."""
    marks: list[Points | Line | Area] = []
    ends: list[float] = []
    for group in found:
        rows = list(enumerate(zip(group.band.low, group.band.middle, group.band.high, strict=True), start=1))
        if group.band.count > 1:
            marks.append(Area([(x, low, high) for x, (low, _, high) in rows], group.kind))
        marks.append(Line([(x, middle) for x, (_, middle, _) in rows], group.kind, steps=group.band.count == 1))
        ends += [middle for _, (_, middle, _) in rows]
    text = "; ".join(f"{group.label}: {group.band.middle[-1]:.4g}" for group in found if group.band.middle)
    return Chart(
        "Best score so far by group", f"In the end {text}.", "evaluations", "best score", marks, floor=floor_of(ends)
    )


def fronts(found: Sequence[Group]) -> Chart:
    """Return the chart of the fronts in parameters, those of a group's studies as one."""
    marks: list[Points | Line | Area] = []
    for group in found:
        best = front([trial for study in group.studies for trial in study.trials], "params")
        values = [(trial.metrics["params"], trial.score or 0.0) for trial in best]
        marks.append(Line(values, group.kind, steps=True))
        marks.append(Points([(x, y, -1) for x, y in values], group.kind))
    ys = [value[1] for mark in marks for value in mark.values]
    return Chart(
        "Pareto fronts by group",
        "The best score of each group by number of parameters.",
        "parameters",
        "score",
        marks,
        logarithmic=True,
        floor=floor_of(ys),
    )


def _names(found: Sequence[Group]) -> Markup:
    items = [tag("li", stroke(group.kind), group.label) for group in found]
    return tag("ul", *items, class_="legend")


def stroke(kind: str) -> Markup:
    """Return a short line as the chart draws it."""
    line = tag("path", d="M0 5H26", class_=f"line {kind}")
    return tag("svg", line, viewBox="0 0 26 10", class_="stroke-key", aria_hidden="true")


def _table(found: Sequence[Group]) -> Markup:
    tests = sorted({name for group in found for study in group.studies for name in study.final})
    rows: list[list[Children]] = []
    for group in found:
        bests = [score for study in group.studies if (best := study.best()) and (score := best.score) is not None]
        shares = [share for study in group.studies if (share := executable(study.trials)) is not None]
        spent = [total(study) for study in group.studies]
        row: list[Children] = [
            group.label,
            len(group.studies),
            median(bests) if bests else None,
            spread(bests),
            *(spread([study.final[name] for study in group.studies if name in study.final]) for name in tests),
            percent(mean(shares)) if shares else None,
            mean(one.prompt_tokens + one.completion_tokens for one in spent),
            duration(mean(sum(trial.seconds for trial in study.trials) for study in group.studies)),
        ]
        rows.append(row)
    head = ["group", "studies", "median best", "mean best", *tests, "executable", "tokens a study", "time a study"]
    return table("What the groups reached", head, rows, range(1, len(head)))


def spread(values: Sequence[float]) -> str | None:
    """Return mean and standard deviation as text; None where there are no values."""
    if not values:
        return None
    return f"{mean(values):.4g} ± {stdev(values):.2g}" if len(values) > 1 else f"{values[0]:.4g}"


def _studies(materials: Sequence[Material]) -> Markup:
    rows: list[list[Children]] = []
    for study, label in zip(materials, labels(materials), strict=True):
        best = study.best()
        rows.append([study.name, label, study.setting("seed"), len(study.trials), best.score if best else None])
    listed = table("The studies", ["study", "group", "seed", "proposals", "best score"], rows, (2, 3, 4))
    return tag("details", tag("summary", counted(len(materials), "study", "studies")), listed)
