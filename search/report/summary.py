"""The report in a terminal: figures, a curve of blocks, what improved the best, the front, failures, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ...ir import counted
from ..engine import Trial
from .account import MEANING, by_status, executable, failures, total
from .axes import number, short
from .comparisons import groups, spread
from .curves import best_so_far, improvements
from .front import front
from .markup import printable
from .material import Material
from .tables import duration, percent, signed

WIDTH, LEVELS = 60, "▁▂▃▄▅▆▇█"
MOST = 10


def as_text(materials: Sequence[Material]) -> str:
    """Return the report of the first study as plain text, compared with the others."""
    first = materials[0]
    parts = [_head(first), _figures(first), _curve(first), _improved(first), _front(first), _failures(first)]
    blocks = ["\n".join(lines) for part in parts if (lines := list(part))]
    if len(materials) > 1:
        blocks.append("\n".join(_groups(materials)))
    return "\n\n".join(printable(block) for block in blocks) + "\n"


def _head(material: Material) -> Iterator[str]:
    yield f"{material.name}: {material.headline}"


def _figures(material: Material) -> Iterator[str]:
    best, took = material.best(), total(material)
    if best is not None and best.score is not None:
        yield f"best       {number(best.score)}  #{best.number}  {_sizes(best)}"
    for name, value in material.final.items():
        yield f"           {number(value)}  {name}"
    counts = by_status(material.trials)
    stated = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    yield f"proposals  {len(material.trials):,}: {stated or 'none'}"
    yield f"executable {percent(executable(material.trials))}"
    yield f"evaluation {duration(sum(trial.seconds for trial in material.trials))}"
    if material.calls:
        tokens = f"{took.prompt_tokens:,} + {took.completion_tokens:,} tokens"
        yield f"LLM        {took.calls:,} calls, {took.cached:,} from the cache, {took.failed:,} failed, {tokens}"


def _sizes(trial: Trial) -> str:
    return ", ".join(f"{short(trial.metrics[name])} {name}" for name in ("params", "macs") if name in trial.metrics)


def _curve(material: Material) -> Iterator[str]:
    curve = best_so_far(material.trials)
    if len(curve) > 1 and curve[-1] > curve[0]:
        picked = [curve[round(i * (len(curve) - 1) / (WIDTH - 1))] for i in range(WIDTH)]
        span = curve[-1] - curve[0]
        line = "".join(LEVELS[round((value - curve[0]) / span * (len(LEVELS) - 1))] for value in picked)
        yield f"best so far, {counted(len(curve), 'evaluation')}"
        yield f"{number(curve[0])} {line} {number(curve[-1])}"


def _improved(material: Material) -> Iterator[str]:
    steps = improvements(material.trials)
    if steps:
        rows = [
            (f"#{step.trial.number}", step.evaluation, step.trial.score, signed(step.gain), _change(step.trial))
            for step in reversed(steps[-MOST:])
        ]
        yield from _table("what improved the best", ("trial", "evaluation", "score", "gain", "by"), rows)


def _change(trial: Trial) -> str:
    text = f"{trial.operator or 'start'}  {' '.join(trial.change.split())}".strip()
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _front(material: Material) -> Iterator[str]:
    best = front(material.trials, "params")
    if best:
        rows = [(f"#{t.number}", t.metrics["params"], t.score, t.operator or "start") for t in best[-MOST:]]
        title = "Pareto front in parameters" + f", the {MOST} best of {len(best)}" * (len(best) > MOST)
        yield from _table(title, ("trial", "params", "score", "by"), rows)


def _failures(material: Material) -> Iterator[str]:
    found = failures(material.trials)
    if found:
        rows = [(one.count, one.status, MEANING[one.status], f"#{one.first}", one.reason) for one in found[:MOST]]
        yield from _table("why proposals failed", ("count", "status", "meaning", "first", "reason"), rows)


def _groups(materials: Sequence[Material]) -> Iterator[str]:
    found = groups(materials)
    tests = sorted({name for material in materials for name in material.final})
    rows: list[tuple[object, ...]] = []
    for group in found:
        bests = [score for study in group.studies if (best := study.best()) and (score := best.score) is not None]
        joined = [spread([s.final[name] for s in group.studies if name in s.final]) for name in tests]
        rows.append((group.label, len(group.studies), median(bests) if bests else None, spread(bests), *joined))
    yield from _table("comparison", ("group", "studies", "median best", "mean best", *tests), rows)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    cells = [list(head), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    numeric = [all(isinstance(row[column], int | float | None) for row in rows) for column in range(len(head))]
    yield title
    for row in cells:
        padded = (f"{c:>{w}}" if right else f"{c:{w}}" for c, w, right in zip(row, widths, numeric, strict=True))
        yield "  " + "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return number(value) if isinstance(value, int | float) else str(value)
