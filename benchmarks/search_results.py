"""Tables and pictures of the search benchmark, from the studies that are there; here test accuracy is joined."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from nasc.ir import NascError
from nasc.ir.files import whole
from nasc.search.engine import Trial
from nasc.search.engine.study import MOST_PROPOSALS
from nasc.search.engine.trial import OPEN
from nasc.search.held_out import OPTIMUM, table_test, trained_test
from nasc.search.report import Material
from nasc.search.report.account import BROKEN, executable, failures, total
from nasc.search.report.axes import number
from nasc.search.report.charts import Chart, Line, Points
from nasc.search.report.comparisons import Group, curves, groups
from nasc.search.report.curves import evaluated
from nasc.search.report.front import front
from nasc.search.report.reading import material
from nasc.search.report.tables import duration, percent
from nasc.search.store import Store, StoredStudy

from .search_pictures import picture

NAME = re.compile(r"(?P<part>nb201|mnist1d|executable-\w+)-(?P<method>.+)-(?P<llm>[^-]+)-(?P<seed>\d+)")
ANSWERS = {"none": "", "random": "random answers", "local": "local LLM"}
RIVAL = "evolution"
TASKS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet16": "ImageNet16-120"}


@dataclass(frozen=True)
class Result:
    """A study: its part, method, who answered, its seed, the material of its report and its file.

    ``evaluated`` has the evaluator and its seed for each trial that has a score.
    """

    part: str
    method: str
    llm: str
    seed: int
    study: Material
    path: Path
    evaluated: Mapping[int, tuple[str, int]]

    @property
    def label(self) -> str:
        """How studies that differ in their seed alone are called."""
        return ", ".join(filter(None, (self.method, ANSWERS.get(self.llm, self.llm))))


Rows = Iterator[Sequence[object]]


def results(folder: Path) -> list[Result]:
    """Return the studies of a folder that are over, by part, then in the order of methods and seeds."""
    found: list[Result] = []
    for path in sorted(folder.glob("*.db")):
        match = NAME.fullmatch(path.stem)
        if match is not None:
            store = Store(path, create=False)
            stored = store.study(path.stem)
            if not over(stored):
                store.close()
                continue
            how = {one.trial: (one.evaluator, one.seed) for one in stored.evaluations()}
            who = match["part"], match["method"], match["llm"], int(match["seed"])
            found.append(Result(*who, material(stored), path, how))
            store.close()
    order = "none random local".split()
    return sorted(
        found, key=lambda one: (one.part, order.index(one.llm) if one.llm in order else 9, one.method, one.seed)
    )


def over(study: StoredStudy) -> bool:
    """Return whether a study made its evaluations, or its method had nothing more to propose."""
    trials, rounds = study.trials(), study.rounds()
    if any(trial.status in OPEN for trial in trials):
        return False
    ended = bool(rounds) and rounds[-1].trials == 0
    tired = len(trials) >= MOST_PROPOSALS * study.wanted
    return ended or tired or sum(trial.status in ("done", "failed") for trial in trials) >= study.wanted


def grouped(found: Sequence[Result], part: str) -> dict[str, list[Result]]:
    """Return the studies of a part by label."""
    groups_: dict[str, list[Result]] = {}
    for result in found:
        if result.part == part:
            groups_.setdefault(result.label, []).append(result)
    return groups_


def write(folder: Path, document: Path, parts: Collection[str] = ()) -> None:
    """Fill in the tables of the document, of these parts or of all, and draw the pictures beside it.

    Raises NascError where one has no place.
    """
    found = results(folder)
    text = document.read_text(encoding="utf-8")
    for name, (lines, drawn, title) in BLOCKS.items():
        if parts and name not in parts:
            continue
        shown = list(lines(found))
        picture_ = drawn(found) if drawn else None
        if picture_ is not None:
            _write(document.with_name(f"search_{name}.svg"), picture_)
            shown += ["", f"![{title}](search_{name}.svg)"]
        text = filled(text, name, shown or ["Not run yet."])
    _write(document, text)


def _write(path: Path, text: str) -> None:
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def filled(text: str, name: str, lines: Sequence[str]) -> str:
    """Return a document with the lines between its marks of this name. Raises NascError where it has none."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        raise NascError.of(f"the document has no place for {name}", f"write {begin} and {end} where it belongs")
    head, _, rest = text.partition(begin)
    return "\n".join([head + begin, *lines, end + rest.partition(end)[2]])


def table(head: Sequence[str], rows: Rows) -> Iterator[str]:
    """Return a table in Markdown, nothing where there are no rows."""
    shown = [f"| {' | '.join(map(str, row))} |" for row in rows]
    if shown:
        yield f"| {' | '.join(head)} |"
        yield "|" + "---|" * len(head)
        yield from shown


def nb201(found: Sequence[Result]) -> Iterator[str]:
    """Return what each method's pick reaches on the test parts of NAS-Bench-201."""
    by_label = grouped(found, "nb201")
    tests = {label: [_picked(result) for result in some] for label, some in by_label.items()}
    rival = {result.seed: test for result, test in zip(by_label.get(RIVAL, ()), tests.get(RIVAL, ()), strict=True)}

    def rows() -> Rows:
        for label, some in by_label.items():
            reached = [[100 * test[task] for test in tests[label]] for task in TASKS]
            pairs = [
                (test, rival[result.seed])
                for result, test in zip(some, tests[label], strict=True)
                if result.seed in rival
            ]
            won = [sum(ours[task] > theirs[task] for ours, theirs in pairs) for task in TASKS]
            beaten = "-" if label == RIVAL else f"{'/'.join(map(str, won))} of {len(pairs)}"
            best = [100 * (pick.score or 0.0) for result in some if (pick := result.study.best())]
            yield (
                label,
                len(some),
                f"{mean(len(evaluated(result.study.trials)) for result in some):.0f}",
                spread(best),
                *(spread(values) for values in reached),
                beaten,
                _share(some, lambda trial: trial.status == "repeat"),
                *_effort(some),
            )
        yield ("optimum", "", "", "", *(f"{100 * OPTIMUM[task]:.2f}" for task in TASKS), "", "", "", "")

    head = ["method", "studies", "look-ups", "validation", *TASKS.values(), "seeds above evolution", "repeats"]
    yield from table([*head, "LLM calls", "tokens"], rows())


def _picked(result: Result) -> Mapping[str, float]:
    best = result.study.best()
    assert best is not None
    assert best.module is not None
    return table_test(best.module)


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}" if values else "-"


def _share(some: Sequence[Result], test: Callable[[Trial], bool]) -> str:
    trials = [trial for result in some for trial in result.study.trials]
    return percent(sum(map(test, trials)) / len(trials)) if trials else "-"


def _effort(some: Sequence[Result]) -> tuple[str, str]:
    """Return LLM calls and tokens of a study."""
    spent = [total(result.study) for result in some]
    tokens = mean(one.prompt_tokens + one.completion_tokens for one in spent)
    return f"{mean(one.calls + one.cached for one in spent):,.0f}", f"{tokens:,.0f}"


def executables(found: Sequence[Result]) -> Iterator[str]:
    """Return the share of proposals that are networks which run, by method and by what is searched."""

    def rows() -> Rows:
        for part in ("nb201", "executable-mnist1d", "executable-resnet"):
            for label, some in grouped(found, part).items():
                trials = [trial for result in some for trial in result.study.trials]
                reasons = "; ".join(f"{one.count} {one.status}: {one.reason[:70]}" for one in failures(trials)[:2])
                yield (
                    part.removeprefix("executable-"),
                    label,
                    len(trials),
                    percent(sum(map(at_once, trials)) / len(trials)) if trials else "-",
                    percent(executable(trials)),
                    _share(some, lambda trial: bool(trial.notes.get("chance"))),
                    reasons.replace("|", "\\|"),
                )

    head = ["start", "method", "proposals", "at the first answer", "after feedback", "by chance", "what was wrong"]
    yield from table(head, rows())


def at_once(trial: Trial) -> bool:
    """Return whether the first answer for a proposal was a network that runs."""
    return trial.status not in BROKEN and not trial.notes.get("problems")


def mnist1d(found: Sequence[Result]) -> Iterator[str]:
    """Return what each method reached by training candidates on MNIST-1D."""

    def rows() -> Rows:
        for label, some in grouped(found, "mnist1d").items():
            tested = [_tested(result) for result in some]
            picks = [pick for result in some if (pick := result.study.best()) is not None]
            tests = [100 * test[pick.number] for pick, test in zip(picks, tested, strict=True) if pick.number in test]
            trials = [trial for result in some for trial in result.study.trials]
            yield (
                label,
                len(some),
                len(evaluated(trials)),
                spread([100 * (pick.score or 0.0) for pick in picks]),
                spread(tests),
                number(mean(pick.metrics["params"] for pick in picks)) if picks else "-",
                f"{_area(some, tested):.3f}",
                _share(some, lambda trial: trial.status in ("gated", "failed")),
                duration(sum(trial.seconds for trial in trials)),
                *_effort(some),
            )

    head = ["method", "studies", "trained", "validation", "test of the pick", "its parameters", "area under the front"]
    yield from table([*head, "gated or failed", "training time", "LLM calls", "tokens"], rows())


def _tested(result: Result) -> dict[int, float]:
    """Return the test accuracy of the front of a study by trial; what was trained again once is kept beside it."""
    path = result.path.with_suffix(".test.json")
    known: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    wanted = {trial.number: trial for trial in (*front(result.study.trials, "params"), result.study.best()) if trial}
    for trial in wanted.values():
        if str(trial.number) not in known and trial.module is not None:
            evaluator, seed = result.evaluated[trial.number]
            known[str(trial.number)] = trained_test(evaluator, trial.module, seed)["test"]
            _write(path, json.dumps(known))
    return {trial: known[str(trial)] for trial in wanted if str(trial) in known}


LOW, HIGH = 1e3, 1e5


def _front(some: Sequence[Result], tested: Sequence[Mapping[int, float]]) -> list[tuple[float, float]]:
    """Return the front of a label in parameters and test accuracy, of the networks on the fronts in validation."""
    points = [
        (trial.metrics["params"], test[trial.number])
        for result, test in zip(some, tested, strict=True)
        for trial in result.study.trials
        if trial.number in test
    ]
    found: list[tuple[float, float]] = []
    for params, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or accuracy > found[-1][1]:
            found.append((params, accuracy))
    return found


def _area(some: Sequence[Result], tested: Sequence[Mapping[int, float]]) -> float:
    """Return the mean test accuracy that the front reaches over log parameters from 1,000 to 100,000."""
    from math import log

    edges = [(min(max(params, LOW), HIGH), accuracy) for params, accuracy in _front(some, tested) if params <= HIGH]
    ends = [*(params for params, _ in edges[1:]), HIGH]
    return sum(accuracy * log(end / params) for (params, accuracy), end in zip(edges, ends, strict=False)) / log(
        HIGH / LOW
    )


def nb201_picture(found: Sequence[Result]) -> str | None:
    """Return the curves of the best validation accuracy so far, a line a method."""
    by_label = grouped(found, "nb201")
    named = [Material(label, one.study.trials, {"method": label}) for label, some in by_label.items() for one in some]
    lines: list[Group] = groups(named)
    chart = replace(curves(lines), x="look-ups", y="best validation accuracy")
    return picture(chart, {group.label: group.kind for group in lines}) if lines else None


def mnist1d_picture(found: Sequence[Result]) -> str | None:
    """Return the fronts of parameters against test accuracy, a line a method."""
    marks: list[Points | Line] = []
    kinds: dict[str, str] = {}
    for index, (label, some) in enumerate(grouped(found, "mnist1d").items()):
        kinds[label] = f"s{index % 8} d{index // 8 % 3}"
        best = _front(some, [_tested(result) for result in some])
        marks.append(Line(best, kinds[label], steps=True))
        marks.append(Points([(x, y, -1) for x, y in best], kinds[label]))
    title = "Pareto fronts on MNIST-1D"
    chart = Chart(title, "Test accuracy by parameters.", "parameters", "test accuracy", marks, logarithmic=True)
    return picture(chart, kinds) if marks else None


Lines = Callable[[Sequence[Result]], Iterator[str]]
Drawn = Callable[[Sequence[Result]], str | None]
BLOCKS: Mapping[str, tuple[Lines, Drawn | None, str]] = {
    "nb201": (nb201, nb201_picture, "best validation accuracy so far"),
    "executable": (executables, None, ""),
    "mnist1d": (mnist1d, mnist1d_picture, "fronts of parameters against test accuracy"),
}
