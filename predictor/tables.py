"""The trials of the harness as tables of Markdown, and their place in the model card."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from ..ir import NascError
from ..ir.files import whole
from .harness import FEW, LEAVE, ZERO, Trial

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
TITLES = {
    ZERO: "Trained on nb101, zero-shot on the others",
    LEAVE: "Trained on all families but the one ranked",
    FEW: "The same, then shown 50 labelled networks of it",
}
MEASURES: dict[str, Callable[[Trial], float]] = {
    "Spearman": lambda t: t.ranking.spearman,
    "Kendall": lambda t: t.ranking.kendall,
    "NDCG@10": lambda t: t.ranking.ndcg10,
}


def tables(trials: Sequence[Trial]) -> str:
    """Return all tables: a row a family, a column a ranker, mean and largest deviation over the seeds."""
    parts = [
        f"### {title}: {measure}\n\n{_table([t for t in trials if t.protocol == protocol], read)}"
        for protocol, title in TITLES.items()
        for measure, read in MEASURES.items()
        if any(t.protocol == protocol for t in trials)
    ]
    return "\n\n".join(parts)


def put(card: Path, text: str) -> None:
    """Write the tables between the marks of a model card. Raises NascError where the marks are missing."""
    old = card.read_text(encoding="utf-8") if card.is_file() else f"{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        raise NascError.of(f"{card} has no place for the figures", f"write {BEGIN} and {END} into it", "model-card")
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    with whole(card) as part:
        part.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _table(trials: Sequence[Trial], read: Callable[[Trial], float]) -> str:
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    counts: dict[str, int] = {}
    for trial in trials:
        cells[trial.family, trial.ranker].append(read(trial))
        counts[trial.family] = trial.count
    names = list(dict.fromkeys(t.ranker for t in trials))
    lines = [f"| family | networks | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    lines += [
        f"| {family} | {count} | {' | '.join(_cell(cells[family, name]) for name in names)} |"
        for family, count in counts.items()
    ]
    means = [[fmean(cells[f, name]) for f in counts if cells[f, name]] for name in names]
    lines.append(f"| **mean** | | {' | '.join(f'{fmean(m):.3f}' if m else '' for m in means)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    mean = fmean(values)
    spread = max(abs(v - mean) for v in values)
    return f"{mean:.3f}" if len(values) == 1 else f"{mean:.3f} ±{spread:.3f}"
