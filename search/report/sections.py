"""The sections of the page: figures, progress, trade-off, candidates, ledger and settings."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ...ir import counted
from ..engine import Trial
from .account import BROKEN, MEANING, by_status, executable, failures, spent, total
from .axes import number
from .charts import Chart, Line, Points, both
from .curves import evaluated, improvements
from .front import front
from .markup import Children, Markup, tag
from .material import Material
from .tables import duration, link, percent, signed, table

COSTS = {"params": "parameters", "macs": "multiply-accumulates", "latency": "milliseconds in onnxruntime"}
SPREAD = 1.5


def card(name: str, title: str, *children: Children, wide: bool = False) -> Markup:
    """Return a section with a heading."""
    return tag(
        "section",
        tag("h2", title, id=f"{name}-head"),
        *children,
        id=name,
        class_="card wide" if wide else "card",
        aria_labelledby=f"{name}-head",
    )


def figures(material: Material) -> Markup:
    """Return the few numbers that say how the search went."""
    best, took = material.best(), total(material)
    counts = by_status(material.trials)
    facts: list[tuple[str, Children, Children]] = [
        (
            "best score",
            number(best.score) if best and best.score is not None else "-",
            link(best.number) if best else None,
        ),
        ("evaluated", f"{counts.get('done', 0):,}", f"of {counted(len(material.trials), 'proposal')}"),
        ("repeats", f"{counts.get('repeat', 0):,}", "answered without evaluation"),
        ("executable", percent(executable(material.trials)), "of all proposals"),
        ("evaluation", duration(sum(trial.seconds for trial in material.trials)), "all workers together"),
    ]
    if took.calls or took.cached:
        tokens = f"{took.prompt_tokens + took.completion_tokens:,}"
        facts.append(("tokens", tokens, f"in {took.calls:,} calls, {took.cached:,} from the cache"))
    facts += [(name, number(value), "test, of the best") for name, value in material.final.items()]
    items = [
        tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", remark)), class_="figure")
        for name, value, remark in facts
    ]
    return tag("dl", *items, class_="figures")


def floor_of(scores: Sequence[float]) -> float | None:
    """Return below which score points are drawn at the edge: far below the middle half, as diverged networks are."""
    if len(scores) < 8:
        return None
    ordered = sorted(scores)
    low, high = ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]
    edge = low - SPREAD * ((high - low) or abs(high) * 0.05 or 1.0)
    return edge if ordered[0] < edge else None


def progress(material: Material) -> Markup:
    """Return the best score so far by evaluation, and the trials that improved it."""
    trials, steps = evaluated(material.trials), improvements(material.trials)
    if not trials:
        return card("progress", "Progress", tag("p", "Nothing has been evaluated yet.", class_="empty"))
    points = [(i, trial.score or 0.0, trial.number) for i, trial in enumerate(trials, start=1)]
    curve = [(step.evaluation, step.trial.score or 0.0) for step in steps]
    best = curve[-1][1]
    chart = Chart(
        "Best score so far",
        f"The best of {len(trials)} evaluated networks scores {number(best)}, found at evaluation {curve[-1][0]}.",
        "evaluations",
        "score",
        [
            Points(points, "done", 3),
            Line([*curve, (len(trials), best)], "best", steps=True),
            Points([(step.evaluation, step.trial.score or 0.0, step.trial.number) for step in steps], "step", 4.5),
        ],
        floor=floor_of([y for _, y, _ in points]),
    )
    rows = [
        [link(step.trial.number), step.evaluation, step.trial.score, signed(step.gain), step.trial.operator or "start"]
        for step in reversed(steps)
    ]
    improved = table("What improved the best", ["trial", "evaluation", "score", "gain", "by"], rows, (1, 2, 3))
    return card("progress", "Progress", figure(chart, "progress"), fold(counted(len(steps), "improvement"), improved))


def figure(chart: Chart, name: str) -> Markup:
    """Return a chart in the place that its size depends on."""
    return tag("figure", both(chart, name), class_="plot")


def fold(title: str, *children: Children, opened: bool = False) -> Markup:
    """Return something that opens on demand."""
    return tag("details", tag("summary", title), *children, open=opened)


def trade_off(material: Material) -> Markup:
    """Return the score against parameters and MACs, the front highlighted."""
    costs = [cost for cost in COSTS if any(cost in trial.metrics for trial in evaluated(material.trials))]
    if not costs:
        return card("front", "Trade-off", tag("p", "No evaluated network yet.", class_="empty"))
    panels = [
        tag("div", *_panel(material, cost), class_="panel", data_panel=cost, hidden=cost != costs[0]) for cost in costs
    ]
    buttons = [
        tag("button", cost, type="button", data_show=cost, aria_pressed="true" if cost == costs[0] else "false")
        for cost in costs
    ]
    return card("front", "Trade-off", tag("div", *buttons, class_="switch", role="group", aria_label="cost"), *panels)


def _panel(material: Material, cost: str) -> list[Markup]:
    trials = [trial for trial in evaluated(material.trials) if cost in trial.metrics]
    best = front(trials, cost)
    points = [(trial.metrics[cost], trial.score or 0.0, trial.number) for trial in trials]
    line = [(trial.metrics[cost], trial.score or 0.0) for trial in best]
    chart = Chart(
        f"Score against {COSTS[cost]}",
        f"The front is {len(best)} of {counted(len(trials), 'network')}: "
        f"no other scores higher with fewer {COSTS[cost]}.",
        COSTS[cost],
        "score",
        [
            Points(points, "done", 3),
            Line(line, "best", steps=True),
            Points([(trial.metrics[cost], trial.score or 0.0, trial.number) for trial in best], "step", 4.5),
        ],
        logarithmic=True,
        floor=floor_of([y for _, y, _ in points]),
    )
    rows = [[link(trial.number), trial.metrics[cost], trial.score, trial.operator or "start"] for trial in best]
    listed = table(f"The front in {COSTS[cost]}", ["trial", cost, "score", "by"], rows, (1, 2))
    return [figure(chart, f"front-{cost}"), fold(f"{counted(len(best), 'network')} on the front", listed)]


def candidates(material: Material) -> Markup:
    """Return the place where the script shows the modification tree and the chosen candidate."""
    counts = by_status(material.trials)
    options = [tag("option", f"all ({len(material.trials):,})", value="")]
    options += [tag("option", f"{status} ({count:,})", value=status) for status, count in counts.items()]
    orders = [tag("option", text, value=value) for value, text in ORDERS.items()]
    tools = [
        tag("label", "order ", tag("select", *orders, id="order")),
        tag("label", "status ", tag("select", *options, id="status")),
        tag("label", "find ", tag("input", type="search", id="find", placeholder="number, change, error …", size=22)),
        tag("button", "best", type="button", id="to-best"),
        tag("span", id="shown", role="status"),
    ]
    pane = [
        tag("div", *tools, class_="tools"),
        tag(
            "div",
            tag("div", id="rows", role="none"),
            id="tree",
            role="tree",
            tabindex=0,
            aria_label="modification tree",
        ),
    ]
    script = tag("noscript", tag("p", "The tree and the details of candidates need JavaScript.", class_="empty"))
    detail = tag("article", id="detail", tabindex=-1, aria_live="polite")
    parts = tag("div", tag("div", *pane, class_="pane"), detail, class_="split")
    return card("candidates", "Candidates", legend(counts), script, parts, wide=True)


ORDERS = {"tree": "modification tree", "score": "best first", "number": "as proposed", "params": "smallest first"}


def legend(counts: dict[str, int]) -> Markup:
    """Return the meaning of each status that occurs."""
    items = [
        tag(
            "li",
            tag("span", class_=f"mark {status}", aria_hidden="true"),
            f"{status} ",
            tag("b", f"{count:,}"),
            title=MEANING[status],
        )
        for status, count in counts.items()
    ]
    return tag("ul", *items, class_="legend")


def ledger(material: Material) -> Markup:
    """Return what became of the proposals, why some failed, and what the LLM took."""
    counts, trials = by_status(material.trials), material.trials
    rows: list[list[Children]] = [
        [_status(name), MEANING[name], count, percent(count / len(trials))] for name, count in counts.items()
    ]
    parts: list[Children] = [
        bar(counts, len(trials)),
        table("Proposals by status", ["status", "meaning", "proposals", "share"], rows, (2, 3)),
        _operators(trials),
    ]
    if material.calls:
        parts.append(_tokens(material))
    reasons = failures(trials)
    if reasons:
        lines: list[list[Children]] = [
            [_status(one.status), tag("code", one.reason), one.count, link(one.first)] for one in reasons[:50]
        ]
        parts.append(table("Why proposals failed", ["status", "reason", "proposals", "first"], lines, (2,)))
    return card("ledger", "Ledger", *parts, wide=True)


def _status(name: str) -> Markup:
    return tag("span", tag("span", class_=f"mark {name}", aria_hidden="true"), name, class_="status")


def bar(counts: dict[str, int], whole: int) -> Markup:
    """Return the statuses as parts of one bar."""
    parts: list[Markup] = []
    start = 0.0
    for name, count in counts.items():
        width = 1000 * count / whole
        text = tag("title", f"{name}: {count:,}")
        parts.append(tag("rect", text, x=round(start, 2), y=0, width=round(width, 2), height=16, class_=f"fill {name}"))
        start += width
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return tag(
        "svg", *parts, class_="bar", viewBox="0 0 1000 16", preserveAspectRatio="none", role="img", aria_label=shown
    )


def _operators(trials: Sequence[Trial]) -> Markup:
    """Return how each way to propose did."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.operator or "start", []).append(trial)
    beaten = {step.trial.number for step in improvements(trials)}
    rows: list[list[Children]] = []
    for name, some in groups.items():
        scores = [trial.score or 0.0 for trial in evaluated(some)]
        broken = sum(trial.status in BROKEN for trial in some)
        repeats = sum(trial.status == "repeat" for trial in some)
        improved = sum(trial.number in beaten for trial in some)
        middle, best = (median(scores), max(scores)) if scores else (None, None)
        rows.append([name, len(some), repeats, broken, improved, middle, best])
    head = ["by", "proposals", "repeats", "broken", "improved the best", "median score", "best score"]
    return table("Proposals by how they came about", head, rows, range(1, 7))


def _tokens(material: Material) -> Markup:
    rows: list[list[Children]] = [
        [
            one.model,
            one.calls,
            one.cached,
            one.failed,
            one.prompt_tokens,
            one.completion_tokens,
            duration(one.seconds),
            one.cost,
        ]
        for one in spent(material.calls)
    ]
    head = ["model", "calls", "from cache", "failed", "prompt tokens", "completion tokens", "time", "cost"]
    return table("LLM calls", head, rows, range(1, 8))


def settings(material: Material) -> Markup:
    """Return what the user asked for."""
    items = [joined_setting(name, value) for name, value in material.settings.items()]
    return card("settings", "Settings", tag("dl", *items, class_="settings"), wide=True)


def joined_setting(name: str, value: object) -> Markup:
    """Return one setting."""
    return tag("div", tag("dt", name), tag("dd", "none" if value in (None, "") else str(value)))
