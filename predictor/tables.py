"""The trials of the harness as tables of Markdown, and their place in the model card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from ..ir import NascError
from ..ir.files import whole
from .harness import FEW, LEAVE, OURS, ZERO, Trial

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
TITLES = {
    ZERO: "Trained on nb101, zero-shot on the others",
    LEAVE: "Trained on all families but the one ranked",
    FEW: "The same, then shown 50 labelled networks of it",
}
MEASURES: dict[str, Callable[[Trial], float | None]] = {
    "Spearman": lambda t: t.ranking.spearman,
    "Kendall": lambda t: t.ranking.kendall,
    "NDCG@10": lambda t: t.ranking.ndcg10,
    "mean absolute error of the accuracy": lambda t: t.mae,
    "share in the 90% interval": lambda t: t.coverage,
}
BASELINES = ("parameters", "FLOPs")
GOALS = {ZERO: "zero-shot from nb101", LEAVE: "left out"}


def tables(trials: Sequence[Trial]) -> str:
    """Return all tables: goals first, then a row a family and a column a ranker, mean and largest deviation."""
    parts = [_goals(trials)]
    parts += [
        f"### {title}: {measure}\n\n{_table([t for t in trials if t.protocol == protocol], read)}"
        for protocol, title in TITLES.items()
        for measure, read in MEASURES.items()
        if any(t.protocol == protocol and read(t) is not None for t in trials)
    ]
    return "\n\n".join(parts)


def put(card: Path, text: str) -> None:
    """Write the tables between the marks of a model card. Raises NascError where the marks are missing."""
    before, after = around(card)
    with whole(card) as part:
        part.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def around(card: Path) -> tuple[str, str]:
    """Return what stands before and after the tables of a model card; nothing where there is no card yet.

    Raises NascError where the marks are missing, or not in this order.
    """
    old = card.read_text(encoding="utf-8") if card.is_file() else f"{BEGIN}\n{END}\n"
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NascError.of(f"{card} has no place for the figures", f"write {BEGIN} and {END} into it", "model-card")
    return before, after


Cells = dict[tuple[str, str], list[float]]


def _cells(trials: Sequence[Trial], read: Callable[[Trial], float | None]) -> Cells:
    cells: Cells = defaultdict(list)
    for trial in trials:
        value = read(trial)
        if value is not None:
            cells[trial.family, trial.ranker].append(value)
    return cells


def _goals(trials: Sequence[Trial]) -> str:
    """Return what was to be shown beside what was measured."""
    lines = ["### Goals", "", "| goal | measured | met |", "|---|---|---|"]
    for protocol, title in GOALS.items():
        cells = _cells([t for t in trials if t.protocol == protocol], MEASURES["Spearman"])
        known = [f for f, ranker in cells if ranker == OURS]
        lost = [f for f in known if fmean(cells[f, OURS]) <= max(fmean(cells[f, b]) for b in BASELINES)]
        if known:
            text = f"{len(known) - len(lost)} of {len(known)}" + (f"; not {', '.join(lost)}" if lost else "")
            lines.append(_line(f"{title}: above parameters and FLOPs in every family", text, not lost))
        if protocol == LEAVE and known:
            mean = fmean(fmean(cells[f, OURS]) for f in known)
            lines.append(_line("left out: mean Spearman >= 0.75", f"{mean:.3f}", mean >= 0.75))
    for measure, goal in (("Spearman", 0.92), ("NDCG@10", 0.99)):
        values = _cells([t for t in trials if t.protocol == ZERO], MEASURES[measure])["nb201", OURS]
        if values:
            lines.append(_line(f"nb101 to nb201: {measure} >= {goal}", cell(values), fmean(values) >= goal))
    few = _cells([t for t in trials if t.protocol == FEW], MEASURES["Spearman"])
    zero = _cells([t for t in trials if t.protocol == LEAVE], MEASURES["Spearman"])
    told = [f for f, ranker in few if ranker == OURS]
    if told:
        short = [f for f in told if fmean(few[f, OURS]) < min(0.85, fmean(zero[f, OURS]) + 0.05)]
        text = f"{len(told) - len(short)} of {len(told)}" + (f"; not {', '.join(short)}" if short else "")
        lines.append(_line("50 labels: >= 0.85 or 0.05 above no labels", text, not short))
    inside = [v for values in _cells(trials, lambda t: t.coverage).values() for v in values]
    if inside:
        lines.append(f"| 90% interval on families left out | {fmean(inside):.3f} of networks inside | |")
    return "\n".join(lines)


def _line(goal: str, measured: str, met: bool) -> str:
    return f"| {goal} | {measured} | {'yes' if met else '**no**'} |"


def _table(trials: Sequence[Trial], read: Callable[[Trial], float | None]) -> str:
    cells = _cells(trials, read)
    trials = [t for t in trials if (t.family, t.ranker) in cells]
    counts = {trial.family: trial.count for trial in trials}
    names = list(dict.fromkeys(t.ranker for t in trials))
    lines = [f"| family | networks | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    lines += [
        f"| {family} | {count} | {' | '.join(cell(cells[family, name]) for name in names)} |"
        for family, count in counts.items()
    ]
    means = [[fmean(cells[f, name]) for f in counts if cells[f, name]] for name in names]
    lines.append(f"| **mean** | | {' | '.join(f'{fmean(m):.3f}' if m else '' for m in means)} |")
    return "\n".join(lines)


def cell(values: Sequence[float]) -> str:
    """Return the mean of a figure over seeds and the largest deviation from it; nothing where there is none."""
    if not values:
        return ""
    mean = fmean(values)
    spread = max(abs(v - mean) for v in values)
    return f"{mean:.3f}" if len(values) == 1 else f"{mean:.3f} ±{spread:.3f}"
